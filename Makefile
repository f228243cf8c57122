# One door to everything; .ci/run calls the same targets. `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JUDGES := .venv-judges
AUDIT := .venv-audit
SOURCE ?=

export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1
export PYTHONDONTWRITEBYTECODE :=
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_NO_PROGRESS := 1
export UV_SYSTEM_CERTS := true

.PHONY: help setup run ui test selftest check bench bench-landing bench-quality bench-speed docs lock audit clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(READY)  ## virtual environment from the hash-pinned lock, and the stores

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
		{ echo "custana needs Python 3.11 to 3.13; say which: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@echo "Setting up $(VENV) (once, a minute or so) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock 2>$(VENV)/uv.log \
		|| { echo "uv could not install ($$(head -c 300 $(VENV)/uv.log | head -1)); trying pip, which takes longer ..."; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@$(BIN)/custana prepare
	@touch $(READY)

run: setup  ## the whole chain on the embedded sample (or SOURCE=...), and where to look
	@$(BIN)/custana run $(if $(SOURCE),--source $(SOURCE))

ui: setup  ## Dagster and MLflow together on loopback, until Ctrl-C
	@$(BIN)/custana ui $(if $(SOURCE),--source $(SOURCE))

test: setup  ## the tests, on two processes
	@$(BIN)/python -m pytest -n 2 --dist worksteal

check: setup  ## format, rules, types, SQL, layers, definitions, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_like_sql
	$(BIN)/lint-imports
	DAGSTER_HOME=$(CURDIR)/data/dagster $(BIN)/dg check defs
	DAGSTER_HOME=$(CURDIR)/data/dagster $(BIN)/python -W ignore -m dagster definitions validate \
		--workspace workspace.yaml --log-level warning

bench: setup  ## measure time and memory, and write bench/README.md (DATASETS=folder)
	@$(BIN)/python -m bench.run_bench $(if $(DATASETS),--datasets $(DATASETS))

bench-landing: setup  ## landing and cleaning beside bare DuckDB, into bench/landing.md (LINES=10000000, ARGS=...)
	@$(BIN)/python bench/landing.py $(if $(LINES),--lines $(LINES)) $(ARGS)

bench-quality: setup $(JUDGES)/.ready  ## judge the published lists, and write bench/quality.md (DATASETS=folder, ARGS=...)
	@$(BIN)/python -m bench.quality $(if $(DATASETS),--datasets $(DATASETS)) $(ARGS)

bench-speed: setup $(JUDGES)/.ready  ## time and memory beside a reference, into bench/speed.md (SIZE=1m, REFERENCE=folder, ARGS=...)
	@$(BIN)/python -m bench.speed --size $(or $(SIZE),1m) $(if $(REFERENCE),--reference $(REFERENCE)) $(ARGS)

$(JUDGES)/.ready: bench/quality/judges.lock
	@echo "Setting up $(JUDGES): lifetimes, pymc-marketing, implicit, polars (once) ..."
	@$(PYTHON) -m venv $(JUDGES)
	@$(BIN)/uv pip sync --quiet --python $(JUDGES)/bin/python --require-hashes bench/quality/judges.lock \
		&& touch $@ || echo "The judges could not be installed: their rows will say so."

audit: setup $(AUDIT)/.ready  ## look for known weaknesses in what the lock installs; needs a source of advisories
	@$(AUDIT)/bin/python -m pip_audit --strict --require-hashes --disable-pip --progress-spinner off \
		--format json -r requirements.lock -o $(AUDIT)/report.json 2>$(AUDIT)/audit.log || true
	@$(BIN)/custana audit $(AUDIT)/report.json; code=$$?; rm -f $(AUDIT)/report.json; exit $$code

$(AUDIT)/.ready: requirements-audit.lock
	@echo "Setting up $(AUDIT): pip-audit (once) ..."
	@$(PYTHON) -m venv $(AUDIT)
	@$(BIN)/uv pip sync --quiet --python $(AUDIT)/bin/python --require-hashes requirements-audit.lock
	@touch $@

docs: setup  ## write docs/reference from the code
	@$(BIN)/custana docs

lock:  ## resolve the dependencies anew and write the locks, without hosts
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --no-strip-extras --upgrade --extra dev pyproject.toml -o requirements.lock
	@echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --upgrade - -o requirements-uv.lock
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' \
		| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --upgrade - -o bench/quality/judges.lock
	@echo pip-audit | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade - -o requirements-audit.lock

clean:  ## the environment and what custana wrote; data/sample, data/landing and data/published stay
	@rm -rf $(VENV) $(JUDGES) $(AUDIT) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find data -mindepth 1 -maxdepth 1 ! -name sample ! -name landing ! -name published ! -name README.md -exec rm -rf {} +
