.ONESHELL:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
ON_TWO_CORES := -n 2 --dist loadfile

.PHONY: help setup demo test week faults engines check bench-plan bench-extract bench-train bench-idle scale ablation ablation-published pages docs format clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: .venv/installed  ## Make .venv from requirements.lock

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	  || { echo "setup: Python 3.11 to 3.14 is needed; name one with PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv || { echo "setup: $(PYTHON) cannot make a virtual environment; apt-get install python3-venv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

demo: setup  ## Run the whole job on a drawn corpus; ends with a table and a page
	$(BIN)/reelstore demo

test: setup  ## Run the tests
	$(BIN)/pytest $(ON_TWO_CORES)

week: setup  ## Live a week on a Prefect server and worker with kills, and compare it with one without, in up to 20 minutes
	$(BIN)/python -m tests.week.whole

faults: setup  ## Make the full count of every fault; writes docs/reliability.md
	rm -rf build/faults
	REELSTORE_FAULTS=full $(BIN)/pytest $(ON_TWO_CORES) --durations=15 tests/fault tests/hostile
	$(BIN)/python -m tests.fault.table

engines: .venv-engines/installed  ## Test Ray and Dask, which are installed apart
	.venv-engines/bin/pytest -n0 tests/engines

.venv-engines/installed: engines.lock pyproject.toml .venv/installed
	$(PYTHON) -m venv .venv-engines
	$(BIN)/uv pip install --quiet --python .venv-engines/bin/python --require-hashes --compile-bytecode -r engines.lock
	$(BIN)/uv pip install --quiet --python .venv-engines/bin/python --no-deps --no-build-isolation -e .
	touch $@

check: setup  ## All that a change must pass: format, lint, types, import contracts, pages, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zensical build --strict --clean
	$(BIN)/pytest $(ON_TWO_CORES)

bench-plan: setup  ## Seconds and memory of a plan over a million listed videos
	$(BIN)/python -m tests.benchmarks.bench_plan

bench-extract: setup  ## Speed of extraction, compared with the usual way and its bound; writes build/bench-extract.json
	$(BIN)/python -m tests.benchmarks.bench_extract

bench-train: setup  ## Speed and memory of training and scoring, compared with LXMERT; writes build/bench-train.json
	$(BIN)/python -m tests.benchmarks.bench_train

bench-idle: setup  ## CPU of a scoring with nothing to do, compared with import torch; writes build/bench-idle.json
	$(BIN)/python -m tests.benchmarks.bench_idle

scale: setup  ## What each step costs against size, in up to an hour and 20 GB; writes docs/scale.md
	$(BIN)/python -m tests.benchmarks.scale.run

ablation: setup  ## What each part of the default recipe is worth, in up to an hour; writes docs/ablation.md
	$(BIN)/python -m tests.benchmarks.ablation.run

ablation-published: setup  ## What each trick of the published recipe is worth, in up to an hour; writes docs/ablation-published.md
	$(BIN)/python -m tests.benchmarks.ablation.published.run

pages: setup  ## Write the generated parts of docs/ anew
	$(BIN)/python -m tests.settings_page
	$(BIN)/python -m tests.tree

docs: setup  ## Build the pages of docs/ into a site in build/site; a warning is an error
	$(BIN)/zensical build --strict --clean

format: setup  ## Format the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove what was built, stores left alone
	rm -rf .venv .venv-engines build dist .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
