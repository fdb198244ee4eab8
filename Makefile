# Two commands matter: `make run` and `make test`. Both set up what they need, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q

.PHONY: help run test check demo bench lock upgrade clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/runtime.stamp  ## set up and serve: Postgres, Kafka where Java is, API, relay, consumers
	@exec $(BIN)/chronodesk run $(ARGS)

demo: $(VENV)/runtime.stamp  ## import two years of a help desk and show it
	@exec $(BIN)/chronodesk demo $(ARGS)

test: $(VENV)/dev.stamp  ## the whole suite on real Postgres and, where Java is, real Kafka
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev.stamp  ## exactly what CI checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_compose.py tests/test_lock.py

bench: $(VENV)/dev.stamp  ## the measures, as a table and JSON
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/dev.stamp  ## write both lock files anew from pyproject.toml
	$(LOCK) $(ARGS) --extra build --extra dev -o requirements-dev.lock
	$(LOCK) $(ARGS) --extra build -c requirements-dev.lock -o requirements.lock

upgrade:  ## the same, with the newest versions
	@$(MAKE) lock ARGS=--upgrade

clean:  ## remove the environment and caches; data in .chronodesk/ stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else 1)' 2>/dev/null || { \
		echo "Chronodesk needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1)." >&2; \
		echo "Name another one:  make PYTHON=python3.12 run" >&2; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv --clear $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/runtime.stamp: $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing dependencies ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements-dev.lock
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
