# Huifang. `make help` lists the targets; all of them need only Python 3.11 to 3.13, make, and a network to a package index.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

PORT ?= 8000
CONSOLE_PORT ?= 8080
DATA ?= .local
SPEED ?= 600
T ?= tests
F ?= tests/faults

LOCK := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q
WORKERS ?= 2
SPREAD := -n $(WORKERS) --dist loadfile
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup:  ## make .venv with the pinned dependencies, the tools and the huifang command
	@sh deploy/setup.sh "$(VENV)" dev

setup-run:  ## the same without the tools for tests: what make run needs
	@sh deploy/setup.sh "$(VENV)" run

run: setup-run  ## run everything: PORT=8000 CONSOLE_PORT=8080 DATA=.local; Ctrl-C stops
	@exec $(BIN)/huifang up --data "$(DATA)" --port $(PORT) --console-port $(CONSOLE_PORT)

test: setup  ## run the tests: T=path for one; DATABASE_URL and REDIS_URL for servers of your own
	@exec $(BIN)/pytest -m "not slow" $(SPREAD) $(T)

check: setup  ## what CI runs: format, lint, types, imports, migrations, contract, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTHON) -m tests.migrations
	$(PYTHON) -m tests.openapi check
	$(BIN)/pytest -m "not slow" $(SPREAD)

fmt: setup  ## format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: setup  ## write the OpenAPI snapshot anew
	$(PYTHON) -m tests.openapi write

bench: setup  ## the benchmarks: JSON and a table in bench/results
	@exec $(PYTHON) -m bench

bench-short: setup  ## the benchmarks with a thousand rows: do they still run
	@exec $(PYTHON) -m bench --short

faults: setup  ## kills, outages and floods: F=path for one part, FAULTS_SEED to have a run again; adds to docs/faults.md
	@exec $(BIN)/pytest -m slow --timeout 600 $(F)

browser: setup  ## the console in a browser (needs Chromium)
	@exec $(BIN)/pytest tests/browser

fuzz: setup  ## the whole contract under random requests
	@exec $(PYTHON) -m tests.fuzz

demo: setup  ## watch one delivery go through the ladder: SPEED=600
	@exec $(PYTHON) -m tests.flows.demo $(SPEED)

quarter: setup  ## one simulated quarter of 5,000 customers, its KPIs reckoned twice: E=docs/examples writes the Excel files
	@exec $(PYTHON) -m tests.quarter $(if $(E),--examples $(E))

compose-test: setup  ## build the image, start the compose file, try it (needs Docker)
	@exec $(PYTHON) -m tests.compose

lock:  ## compile the lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml $(LOCK) -o requirements.lock
	echo hatchling | uv pip compile - $(LOCK) -o requirements-build.lock
	uv pip compile pyproject.toml $(LOCK) --extra embedded --extra install -o requirements-run.lock
	uv pip compile pyproject.toml $(LOCK) --extra embedded --extra dev -o requirements-dev.lock

clean:  ## remove .venv and caches; the data in .local stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup setup-run run test check fmt openapi bench bench-short faults browser fuzz demo quarter compose-test lock clean
