# `make` lists the targets. Each makes the virtual environment that it needs once,
# and works without the network from then on.
PYTHON ?= python3
VENV ?= .venv
APP ?= flask
PORT ?= 8000
RESULTS ?= build
BENCH ?=
BIN = $(VENV)/bin

.PHONY: help demo dev test docs reliability soak cost corpus bench lint clean

help:
	@echo "make demo          a shop whose pages come from Lambda functions, on this machine (APP=django)"
	@echo "make dev           the same shop with its functions in its own process, for editing (APP=django)"
	@echo "make test          all tests"
	@echo "make lint          ruff and mypy"
	@echo "make docs          write docs/options.md from the declarations of the options"
	@echo "make corpus        show what other libraries read in our API Gateway events"
	@echo "make bench         compare with boto3 and plain requests (RESULTS=docs/measured)"
	@echo "make reliability   run all tests and write docs/measured/reliability.md"
	@echo "make soak          20 minutes of load with faults (SOAK='--minutes 20')"
	@echo "make cost          search for the most expensive requests and replies (COST='--seconds 120')"
	@echo "make clean         remove everything that the targets made"

demo: $(VENV)/.demo
	@$(BIN)/python -m sample_app.demo --app $(APP) --port $(PORT)

# The servers restart when a file changes, one of a function that has run included.
dev: dev-options $(VENV)/.dev
	@WSGI_LAMBDA_LOCAL=1 $(BIN)/$(DEV_$(APP))

dev-options:
	@test -n "$(DEV_$(APP))" || { echo "APP is flask or django, not '$(APP)'"; exit 2; }
	@test "$(PORT)" -ge 0 -a "$(PORT)" -le 65535 2>/dev/null || { echo "PORT: $(PORT) is not a port"; exit 2; }

DEV_flask = flask --app sample_app.flask_app run --debug --port $(PORT)
DEV_django = python -m django runserver --settings sample_app.django_site.settings $(PORT)

# The test dependencies include uWSGI, which pip compiles: apt-get install gcc python3-dev.
# The tests of one file run in one process, in which they share servers.
PROCESSES ?= 2
test: $(VENV)/.test
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
		echo "NOTE: no Chromium here, the browser tests are skipped; to have them: apt-get install chromium chromium-driver"
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null && command -v wrk >/dev/null || \
		echo "NOTE: no nginx or wrk here, the bench and servers behind nginx are not tested; to test them: apt-get install nginx-light wrk"
	@echo "Running the tests"
	@$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder \
		--cov --cov-report=term

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

# The most expensive body of each type, accepted and rejected: docs/measured/cost.md.
COST ?= --seconds 120
cost: $(VENV)/.test
	@$(BIN)/python -m tests.tools.cost_search $(COST)

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

# One stamp for each extra: installed again only when the dependencies change. Two runs at once
# would break each other's pip, so the second one waits for the first, and then finds the stamp.
LOCK := $(shell command -v flock >/dev/null && echo flock Makefile)
ifndef IS_LOCKED
$(VENV)/.%: setup.cfg pyproject.toml
	@$(LOCK) $(MAKE) --no-print-directory --silent IS_LOCKED=1 $@
else
# pip is the last that `venv` makes: without it, an earlier run was interrupted.
# `compat` puts the checkout on the path. The default, an import hook, comes after a folder named
# wsgi_lambda in the current one: an app next to the checkout would import an empty package.
$(VENV)/.%: setup.cfg pyproject.toml
	@echo "Making $(VENV) with what 'make $*' needs (once; this takes about a minute)"
	@python=$(PYTHON); test ! -x $(BIN)/python || python=$(BIN)/python; \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { $$python --version; \
		echo "wsgi_lambda needs Python 3.11 or later: make clean; make $* PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--config-settings editable_mode=compat --editable '.[$*]'
	@touch $@
endif

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .tox
