# Every promise of this repository is a target here. `make` alone lists them.
.DEFAULT_GOAL := help
.SILENT:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
SCAN := .venv-scan/.installed

.PHONY: help
help: ## lists the targets
	awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	sh scripts/find-python.sh $(VENV)

$(RUNTIME): requirements/runtime.txt | $(VENV)/bin/python
	sh scripts/install.sh $(BIN)/python requirements/runtime.txt && touch $@

$(DEV): requirements/dev.txt | $(VENV)/bin/python
	sh scripts/install.sh $(BIN)/python requirements/dev.txt && touch $@ $(RUNTIME)

.PHONY: run
run: $(RUNTIME) ## serves the whole shop on 127.0.0.1:8000, embedded; Ctrl-C stops it
	exec $(BIN)/python -m app run

.PHONY: reset
reset: ## forgets the embedded state: database, keys, the sandbox's ledger
	rm -rf var

.PHONY: test
test: $(DEV) ## runs the tests, with a real PostgreSQL and a real Redis that they start
	$(PYTEST) -n 4 --dist worksteal tests/app tests/grafana tests/loadtests tests/scripts tests/workflows $(ARGS)

.PHONY: test-system
test-system: $(DEV) ## runs the tests that need other programs: helm, promtool
	$(PYTEST) -n 2 --dist worksteal tests/chart tests/system $(ARGS)

.PHONY: lint
lint: $(DEV) ## style, types, import rules, and the scanners that need no network
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r app grafana helm loadtests scripts
	$(BIN)/zizmor --offline --persona=regular -q .github
	$(BIN)/yamllint .

.PHONY: load
load: $(DEV) ## a load test against `make run`, judged by the SLOs
	$(BIN)/python -m loadtests --host http://127.0.0.1:8000 $(ARGS)

.PHONY: e2e
e2e: $(DEV) ## the chart on the cluster of KUBECONFIG: install, load through a rollout, alerts
	$(PYTEST) --timeout=1200 -s tests/e2e $(ARGS)

.PHONY: generate
generate: $(DEV) ## writes everything that is made from something else
	$(BIN)/python -m scripts.settings
	$(BIN)/python -m grafana.generate
	$(BIN)/python -m helm.generate
	$(BIN)/python -m helm.render

.PHONY: lock
lock: $(DEV) ## resolves the requirements anew, none younger than a week
	sh scripts/lock.sh $(VENV)

$(SCAN): requirements/scan.txt
	sh scripts/find-python.sh .venv-scan && sh scripts/install.sh .venv-scan/bin/python requirements/scan.txt && touch $@

.PHONY: scan-code
scan-code: $(DEV) ## refuses dangerous Python
	$(BIN)/bandit -q -c pyproject.toml -r app grafana helm loadtests scripts

.PHONY: scan-workflows
scan-workflows: $(DEV) ## refuses dangerous workflows; with GH_TOKEN it also asks GitHub about every pinned action
	$(BIN)/zizmor --persona=regular -q .github

.PHONY: scan-dependencies
scan-dependencies: $(SCAN) ## refuses vulnerable locked versions; asks osv.dev, and Safety with SAFETY_API_KEY
	PATH="$(CURDIR)/.venv-scan/bin:$$PATH" sh .github/scripts/scan-dependencies.sh

.PHONY: proof
proof: lint test test-system e2e ## everything, without a limit of time

.PHONY: clean
clean: ## removes the virtual environment and the caches
	rm -rf $(VENV) .venv-scan .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
