# Everything a newcomer needs: `make demo` and `make test`. Both make their own
# virtual environment once, and work without the network from then on. So does
# `make bench`; RESULTS=docs/measured writes the results that docs/performance.md shows.
PYTHON ?= python3
VENV ?= .venv
APP ?= flask
RESULTS ?= build
BENCH ?=
BIN = $(VENV)/bin

.PHONY: demo test docs reliability soak corpus bench lint clean

demo: $(VENV)/.demo
	@$(BIN)/python -m sample_app.demo --app $(APP)

test: $(VENV)/.test
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
		echo "NOTE: no Chromium here, the browser tests are skipped; to have them: apt-get install chromium chromium-driver"
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null && command -v wrk >/dev/null || \
		echo "NOTE: no nginx or wrk here, the bench is not tested; to test it: apt-get install nginx-light wrk"
	@echo "Running the tests"
	@$(BIN)/python -m pytest --cov --cov-report=term

# The table of all options, docs/options.md, from their declarations.
docs: $(VENV)/.test
	@$(BIN)/python -m tests.tools.options_page

# What is promised and what the tests tried: the table of docs/measured/reliability.md.
reliability: $(VENV)/.test
	@$(BIN)/python -m pytest --promises=docs/measured/reliability.md \
		--deselect tests/unit/test_docs.py::test_every_promise_is_in_the_table_with_all_its_tests

# Twenty minutes of load with faults, then ten of generated answers and configurations.
SOAK ?= --minutes 20
soak: $(VENV)/.test
	@$(BIN)/python -m tests.tools.soak $(SOAK)

# What the libraries of others show of API Gateway events: requests, libraries, a mark in each cell.
corpus: $(VENV)/.test
	@$(BIN)/python -m tests.tools.gateway_corpus

bench: $(VENV)/.bench
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null && command -v wrk >/dev/null && \
		command -v openssl >/dev/null || \
		echo "NOTE: not all figures can be measured; for all: apt-get install nginx-light wrk openssl"
	@$(BIN)/python -m bench --json $(RESULTS)/performance.json --svg $(RESULTS)/performance.svg \
		$(if $(filter docs/measured,$(RESULTS)),--page docs/performance.md) $(BENCH)

lint: $(VENV)/.lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# One stamp an extra: made anew only when the dependencies change.
$(VENV)/.%: setup.cfg pyproject.toml
	@echo "Making $(VENV) with what 'make $*' needs (once; this takes about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .tox
