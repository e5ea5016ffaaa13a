# Everything that one does with Hubs in a source tree; `make` alone explains.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help messages run test check unit integration browser bench clean
.DELETE_ON_ERROR:

help:  ## Explain the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

messages: $(VENV)/test.done  ## Bring the catalogues up to date with the texts in the code
	mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping-file babel.cfg --keyword N_ --no-location --sort-output \
		--output-file build/hubs.pot .
	$(BIN)/pybabel --quiet update --domain hubs --input-file build/hubs.pot --output-dir hubs/translations \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110

run: $(VENV)/run.done  ## Run a whole instance with demo data on 127.0.0.1 (PORT=8000)
	$(BIN)/hubs up --port $(PORT)

# Two processes share the unit tests, then one runs all others; both must find the same tests in the same order.
test: $(VENV)/test.done check  ## Check the code, then run all tests against the real services
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n 2

check: $(VENV)/test.done  ## Check imports, style and types
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/test.done  ## Run the tests that need nothing
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n 2 tests/unit

integration: $(VENV)/test.done  ## Run the tests against PostgreSQL, memcached, Redis, the bus and gunicorn
	$(BIN)/python -m pytest tests/integration

browser: $(VENV)/test.done  ## Run the tests in Chromium
	$(BIN)/python -m pytest tests/browser

bench: $(VENV)/test.done  ## Print the figures of all benchmarks
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	for program in "bench/pipeline.py --soak 60" bench/triage.py bench/builds.py bench/pages.py bench/stream.py bench/search.py; do $(BIN)/python $$program || exit 1; done

clean:  ## Remove what was installed and built; the demo data in var/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hubs needs Python 3.11 or newer.")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.done: setup.py $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/test.done: setup.py tests/install-services $(BIN)/python
	tests/install-services
	$(BIN)/python -m pip install --quiet --editable '.[postgres,fedora,test]'
	touch $@
