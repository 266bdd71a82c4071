# Everything a newcomer needs: `make demo` and `make test`. Both make their own
# virtual environment once, and work without the network from then on.
PYTHON ?= python3
VENV ?= .venv
APP ?= flask
BIN = $(VENV)/bin

.PHONY: demo test corpus lint clean

demo: $(VENV)/.demo
	@$(BIN)/python -m sample_app.demo --app $(APP)

test: $(VENV)/.test
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
		echo "NOTE: no Chromium here, the browser tests are skipped; to have them: apt-get install chromium chromium-driver"
	@echo "Running the tests"
	@$(BIN)/python -m pytest --cov --cov-report=term

# What the libraries of others show of API Gateway events: requests, libraries, a mark in each cell.
corpus: $(VENV)/.test
	@$(BIN)/python -m tests.conformance.gateway_corpus

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
