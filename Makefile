# Everything you do with Hubs in a source tree; `make` alone lists it.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of Python processes; where bytecode is not kept, each of them compiles all modules again.
export PYTHONDONTWRITEBYTECODE :=

# The lock files hold the exact versions and hashes of everything that is installed; setup.py holds the ranges.
# A dependency without a wheel is built apart from the environment: Debian's pip otherwise needs `wheel` there.
LOCKED := -m pip install --quiet --use-pep517 --require-hashes --requirement
ITSELF := -m pip install --quiet --no-deps --no-build-isolation --editable .

# One file serves every Python and platform that Hubs supports. It names no index: each machine has its own.
COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --system-certs \
	--custom-compile-command 'make lock'

.PHONY: help run test test-full check check-types check-imports check-style check-docs unit integration browser attack soak bench screens messages settings bundle docs lock dist clean
.DELETE_ON_ERROR:

help:
	@awk -F ':.*## ' '/^##@ / {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try it

run: $(VENV)/run.done  ## Run a whole instance with demo data on 127.0.0.1 (PORT=8000)
	$(BIN)/hubs up --port $(PORT)

##@ Test it

# Processes with services of their own share the tests; all must collect them in the same order. Tests of real processes
# wait for much of their time, so that five keep two cores busy.
JOBS ?= 5
PYTEST := PYTHONHASHSEED=0 $(BIN)/python -m pytest -n $(JOBS)

# A test that hangs ends its process after five minutes, and is named, instead of stopping the run for good.
HANGS := -o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true

# With both databases, the unit tests of statements run on PostgreSQL as well.
test: $(VENV)/test.done $(if $(T),,check)  ## Check the code and run all tests, or only a part: make test T=tests/unit/bus
	$(PYTEST) --database both $(HANGS) $(or $(T),-m 'not slow')

test-full: $(VENV)/test.done check  ## Check the code and run all tests, including the slow ones and the views on PostgreSQL
	$(PYTEST) --database postgresql tests/unit/views
	$(PYTEST) --database both

check: $(VENV)/test.done  ## Check imports, style, types, and what the documentation links to and names
	$(MAKE) --no-print-directory --jobs=2 --output-sync check-types check-imports check-style check-docs

check-types:
	$(BIN)/mypy

check-imports:
	$(BIN)/lint-imports

check-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-docs:
	$(BIN)/python -m pytest -q tests/unit/test_docs.py tests/unit/test_documented_commands.py

unit: $(VENV)/test.done  ## Run the tests that need nothing
	$(PYTEST) -m 'not slow' tests/unit

integration: $(VENV)/test.done  ## Run the tests against PostgreSQL, memcached, Redis, the bus and gunicorn
	$(PYTEST) -m 'not slow' tests/integration

browser: $(VENV)/test.done  ## Run the tests in Chromium
	$(PYTEST) -m 'not slow' tests/browser

attack: $(VENV)/test.done  ## Run the attack programs in full: hidden hubs, stale reads, NUL, revocation, hostile messages
	$(PYTEST) tests/attack

soak: $(VENV)/test.done  ## Break parts of a running system for an hour; results in docs/reliability.md
	$(BIN)/python -m tests.chaos --seed $$(date +%s) --seconds 540 --rounds 6 --report

bench: $(VENV)/test.done  ## Print the figures of all benchmarks
	for program in "bench/pipeline.py --soak 60" bench/triage.py bench/ingress.py bench/hooks.py bench/builds.py bench/pages.py bench/page_crowd.py bench/page_rush.py bench/stream.py bench/stream_many.py bench/search.py bench/inbox.py bench/scale.py bench/start.py bench/idle.py "-m bench.clients" "-m bench.browser"; do $(BIN)/python $$program || exit 1; done

screens: $(VENV)/test.done  ## Write pictures of widgets and pages into build/screens, and those of docs/screens.md
	$(BIN)/python -m tests.browser.screens
	$(BIN)/python -m tests.browser.screens_of_pages
	$(BIN)/python -m tests.browser.screens_of_design

##@ Maintain it

docs: $(VENV)/test.done  ## Build the documentation into build/docs; warnings and broken links are errors
	$(BIN)/python docs/build.py

# Pages load one script instead of thirty, and a minified style sheet. Both are committed, so that only those who change
# them need npm.
bundle: $(VENV)/run.done requirements/bundle/node_modules/.package-lock.json  ## Join and minify scripts and styles into hubs/static/bundle
	rm -f hubs/static/bundle/*
	export SCRIPTS=$$($(BIN)/python -c 'from hubs import urls; print(urls.hash_of_scripts())') && \
		export STYLES=$$($(BIN)/python -c 'from hubs import urls; print(urls.hash_of_styles())') && \
		export STYLE_SHEET_PARTS=$$($(BIN)/python -c 'from hubs import urls; print(*urls.STYLE_SHEET_PARTS)') && \
		cd requirements/bundle && node_modules/.bin/rollup --silent --config

settings: $(VENV)/run.done  ## Write the table of docs/settings.md from the declarations of the settings
	$(BIN)/python docs/settings_table.py

messages: $(VENV)/test.done  ## Update the translation catalogues from the texts in the code
	mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping-file babel.cfg --keyword N_ --keyword nN_:1,2 --no-location --sort-output \
		--output-file build/hubs.pot .
	$(BIN)/pybabel --quiet update --domain hubs --input-file build/hubs.pot --output-dir hubs/translations \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110

lock: build/lock/bin/uv  ## Renew requirements/*.txt: the newest versions that setup.py allows
	build/lock/bin/uv $(COMPILE) --upgrade --extra postgres --extra fedora --extra signatures --extra amqp --extra backup \
		--extra docs --extra test --extra bench --output-file requirements/test.txt setup.py
	build/lock/bin/uv $(COMPILE) --constraint requirements/test.txt --extra postgres --extra fedora --extra signatures \
		--extra amqp --extra celery --extra backup --output-file requirements/production.txt setup.py
	build/lock/bin/uv $(COMPILE) --constraint requirements/test.txt --output-file requirements/run.txt setup.py

dist: build/lock/bin/uv $(VENV)/test.done  ## Build the source archive, and the wheel from it, into dist/
	$(BIN)/python docs/build.py --carried
	build/lock/bin/uv build --quiet --system-certs --out-dir dist

clean:  ## Remove what was installed and built; the demo data in var/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hubs needs Python 3.11 or newer.")'
	$(PYTHON) -m venv $(VENV)

build/lock/bin/uv:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet 'uv>=0.13'

requirements/bundle/node_modules/.package-lock.json: requirements/bundle/package-lock.json
	cd requirements/bundle && npm ci --silent --no-audit --no-fund
	touch $@

$(VENV)/run.done: setup.py requirements/run.txt $(BIN)/python
	$(BIN)/python $(LOCKED) requirements/run.txt
	$(BIN)/python $(ITSELF)
	touch $@

$(VENV)/test.done: setup.py requirements/test.txt tests/install-services $(BIN)/python
	tests/install-services
	$(BIN)/python $(LOCKED) requirements/test.txt
	$(BIN)/python $(ITSELF)
	touch $@
