# Thin: every target runs one thing that can also be run by hand. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# compiled modules halve the time that Airflow takes to start
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: help demo ui test lint browser bench chaos clean
help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1	/' | expand -t 16

demo: .venv/.demo  ## keep two tables in step through real Airflow runs, offline
	@$(BIN)/python dags/demo/run.py

ui: .venv/.demo  ## the same data in a running Airflow; prints address and login
	@$(BIN)/python dags/demo/ui.py

test: .venv/.dev  ## linters, types, layers and every test
	@$(BIN)/python tests/services.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term

lint: .venv/.dev  ## linters, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: .venv/.browser  ## the DAGs' forms and the tasks' pages, in a real browser on a running Airflow
	$(BIN)/python -m pytest tests/browser/check_*.py

bench: .venv/.dev  ## measurements, printed beside their optimum
	@for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script; done

SEEDS ?= 0-99
DATABASES ?= sqlite,postgresql,mysql
chaos: .venv/.dev  ## storms of edits, faults, kills and rival transactions; SEEDS=0-999 DATABASES=sqlite
	@$(BIN)/python tests/services.py
	@$(BIN)/python -m tests.chaos.campaign --seeds $(SEEDS) --databases $(DATABASES)

clean:  ## remove what the other targets made
	rm -rf .venv .demo .chaos .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

.venv/.uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python"; exit 1; }
	@echo "Making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && touch $@

.venv/.demo: .venv/.uv pyproject.toml
	@echo "Installing the provider and Airflow into .venv"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[demo]' && touch $@

.venv/.dev: .venv/.uv pyproject.toml
	@bash .ci/headers
	@echo "Installing everything the tests need into .venv"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]' && touch $@

.venv/.browser: .venv/.dev
	@bash .ci/browser
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,browser]' && touch $@
