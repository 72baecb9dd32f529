# Thin: every target runs one thing that can also be run by hand. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# compiled modules halve the time that Airflow takes to start
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
# an interpreter of one version, also where pyenv keeps it
python = $(shell for p in python$(1) $(HOME)/.pyenv/versions/$(1).*/bin/python; do \
  command -v $$p >/dev/null && $$p -c '' 2>/dev/null && echo $$p && break; done)
# Airflow 3.2 does not say, as later ones do, that newer ones break its Execution API
OLDER := 'fastapi>=0.130,<0.137'
# in the order of names: by numbers of tests the files of few but long ones came last, and one worker waited for the other
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo ui test cover quick test-py312 test-py313 test-lowest test-next test-fab pytest lint browser bench chaos plan-fuzz chaos-approvals chaos-callbacks chaos-celery chaos-events chaos-hitl chaos-long-connection chaos-quota chaos-sends clean
help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */  make \1	/' | expand -t 20

demo: $(VENV)/.demo  ## keep two tables in step through real Airflow runs, offline
	@$(BIN)/python dags/demo/run.py

ui: $(VENV)/.demo  ## the same data in a running Airflow; prints address and login
	@$(BIN)/python dags/demo/ui.py

test: $(VENV)/.dev  ## linters, types, layers and every test
	@$(BIN)/python tests/services.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

cover: $(VENV)/.dev  ## every test, and which lines they reach; at least 90 % (a quarter slower, twice on Python 3.11)
	@$(BIN)/python tests/services.py
	$(PYTEST) --cov --cov-report=term

test-py312:  ## the same with Python 3.12, and so on, each in an environment of its own
	@$(MAKE) test VENV=.venvs/py312 PYTHON='$(or $(call python,3.12),python3.12)'

test-py313:  ## the same with Python 3.13
	@$(MAKE) test VENV=.venvs/py313 PYTHON='$(or $(call python,3.13),python3.13)'

test-lowest:  ## every test with the lowest versions that pyproject.toml allows
	@$(MAKE) pytest VENV=.venvs/lowest PYTHON='$(or $(call python,3.11),python3.11)' RESOLVE="--upgrade --resolution lowest-direct $(OLDER)"

test-next:  ## every test with the newest of everything, pre-releases of Airflow too
	@rm -f .venvs/next/.dev
	@$(MAKE) pytest VENV=.venvs/next RESOLVE="--upgrade --prerelease allow"

test-fab:  ## the page Lark sync with Airflow's FAB auth manager, in an environment of its own; one api-server
	@$(MAKE) --no-print-directory .venvs/fab/.fab VENV=.venvs/fab
	@.venvs/fab/bin/python -m pytest tests/fab/check_*.py

pytest: $(VENV)/.dev
	@$(BIN)/python tests/services.py
	$(PYTEST)

quick: lint  ## linters, types, layers and the tests that need no server: under a minute
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/core/test_*.py tests/core/api tests/core/cards

lint: $(VENV)/.dev  ## linters, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: $(VENV)/.browser  ## the DAGs' forms and the tasks' pages, in a real browser on a running Airflow
	$(BIN)/python -m pytest tests/browser/check_*.py

bench: $(VENV)/.dev  ## measurements, printed beside their optimum
	@for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script; done

SEEDS ?= 0-99
DATABASES ?= sqlite,postgresql,mysql
chaos: $(VENV)/.dev  ## storms of edits, faults, kills and rival transactions; SEEDS=0-999 DATABASES=sqlite
	@$(BIN)/python tests/services.py
	@KILL_EACH=1 $(PYTEST) tests/chaos/test_chaos_kill.py
	@$(BIN)/python -m tests.chaos.campaign --seeds $(SEEDS) --databases $(DATABASES)

plan-fuzz: $(VENV)/.dev  ## random tables, mappings and edits: does the run do what the plan said; SEEDS=0-999 DATABASES=sqlite
	@$(BIN)/python tests/services.py
	@$(BIN)/python -m tests.sync.plan_fuzz --seeds $(SEEDS) --databases $(DATABASES)

KILLS ?= 200
chaos-sends: $(VENV)/.dev  ## kill -9 of sending tasks before and after each of their calls; KILLS=200
	@$(BIN)/python -m tests.chaos.kill_sends --kills $(KILLS)

EDITS ?= 100
DAG ?= stay
chaos-events: $(VENV)/.dev  ## edits in Lark to rows in SQL through a real Airflow: how long, and with kill -9; EDITS=100 BY=webhook DAG=wake
	@$(BIN)/python -m tests.chaos.events --edits $(EDITS) --dag $(DAG) $(if $(BY),--by $(BY))

CLICKS ?= 20
chaos-approvals: $(VENV)/.dev  ## clicks on cards to the tasks that go on in a real Airflow: how long, and with kill -9; CLICKS=20
	@$(BIN)/python -m tests.chaos.approvals --clicks $(CLICKS)

chaos-hitl: $(VENV)/.dev  ## people answer tasks that wait in a real Airflow: how long, and with kill -9; CLICKS=20
	@$(BIN)/python -m tests.chaos.hitl --clicks $(CLICKS)

TASKS ?= 8
RATE_STORES ?= sqlite,postgresql,mysql,redis,outage
chaos-quota: $(VENV)/.dev  ## tasks in processes of their own, one app, the documented limits: calls a second, refusals; TASKS=8
	@$(BIN)/python -m tests.chaos.quota --tasks $(TASKS) --stores $(RATE_STORES)

HOURS ?= 24
SEED ?= 1
chaos-long-connection: $(VENV)/.dev  ## hours over the long connection, on a driven clock, with drops and half-open sockets; HOURS=24 SEED=1
	@$(BIN)/python -m tests.chaos.long_connection --hours $(HOURS) --seed $(SEED)

CALLBACKS ?= 10000
RATE ?= 200
DOORS ?= standalone,plugin
STORES ?= postgresql,rabbitmq,rabbitmq-broker
chaos-callbacks: $(VENV)/.dev  ## events and clicks at a fixed rate while the store stops for 10 s; CALLBACKS=10000 RATE=200
	@$(BIN)/python -m tests.chaos.callbacks --callbacks $(CALLBACKS) --rate $(RATE) --doors $(DOORS) --stores $(STORES) $(if $(NEW_CONNECTIONS),--new-connections)

MAPPINGS ?= 20
ROWS ?= 2000
BROKERS ?= redis,rabbitmq
chaos-celery:  ## syncs on the CeleryExecutor, two workers of which one is killed, in an environment of its own; MAPPINGS=20 ROWS=2000 BROKERS=redis
	@$(MAKE) --no-print-directory .venvs/celery/.celery VENV=.venvs/celery
	@.venvs/celery/bin/python -m tests.chaos.celery_workers --mappings $(MAPPINGS) --rows $(ROWS) --edits $(EDITS) --broker $(BROKERS)

clean:  ## remove what the other targets made
	rm -rf .venv .venvs .demo .chaos .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

$(VENV)/.uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && touch $@

$(VENV)/.demo: $(VENV)/.uv pyproject.toml
	@echo "Installing the provider and Airflow into $(VENV)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[demo]' && touch $@

$(VENV)/.dev: $(VENV)/.uv pyproject.toml
	@bash .ci/headers
	@echo "Installing everything the tests need into $(VENV)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python $(RESOLVE) --editable '.[dev]' && touch $@

$(VENV)/.celery: $(VENV)/.dev
	@echo "Installing Celery into $(VENV)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,celery]' && touch $@

$(VENV)/.fab: $(VENV)/.dev
	@echo "Installing Airflow's FAB provider into $(VENV)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,fab]' && touch $@

$(VENV)/.browser: $(VENV)/.dev
	@bash .ci/browser
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,browser]' && touch $@
