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
LOCK := .venv-lock/.installed
BENCH := .venv-bench/.installed
MUTANTS := .venv-mutants/.installed

.PHONY: help
help: ## List the targets
	awk -F ':.*## ' '/^## / {printf "\n%s\n", substr($$0, 4)} /^[a-z0-9-]+:.*## / {printf "  make %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	sh scripts/find-python.sh $(VENV)

$(RUNTIME): requirements/runtime.txt | $(VENV)/bin/python
	sh scripts/install.sh $(BIN)/python requirements/runtime.txt && touch $@

$(DEV): requirements/dev.txt | $(VENV)/bin/python
	sh scripts/install.sh $(BIN)/python requirements/dev.txt && touch $@ $(RUNTIME)

## Run it

.PHONY: run
run: $(RUNTIME) ## Serve the whole shop on 127.0.0.1:8000, embedded; Ctrl-C stops it
	exec $(BIN)/python -m app run

.PHONY: kind
kind: ## Start a cluster in Docker with the shop in it, and pay an order; needs docker, kind and kubectl
	sh k8s/kind/up.sh

.PHONY: compose
compose: ## Start the whole shop in containers on https://localhost:8443; needs Docker
	sh compose/secrets.sh
	docker compose build
	docker compose up --detach --wait

.PHONY: reset
reset: ## Delete the embedded state: database, keys, the sandbox's ledger
	rm -rf var

## Test it

.PHONY: test
test: $(DEV) ## Run the tests, with a real PostgreSQL and Redis that they start (5 to 7 min)
	$(PYTEST) -n 4 --dist worksteal tests/app tests/grafana tests/loadtests tests/scripts tests/style tests/workflows $(ARGS)

# One test measures memory, in which coverage keeps more the longer it looks.
.PHONY: coverage
coverage: $(DEV) ## Run the tests and measure the coverage of app/: 95 % at least
	rm -f .coverage .coverage.*
	$(MAKE) test ARGS="--cov --cov-report= --cov-fail-under=0 --timeout=900 -k 'not test_memory_does_not_grow' $(ARGS)"
	$(BIN)/coverage report

.PHONY: test-system
test-system: $(DEV) ## Run the tests that need helm, kubectl, nginx, pgbouncer, promtool, Go and scripts/collector/build.sh (2 min)
	scripts/crds/fetch.sh
	$(PYTEST) -n 2 --dist worksteal tests/chart tests/system $(ARGS)

.PHONY: test-chart
test-chart: $(DEV) ## Run the chart's tests alone; HELM=/path/to/helm3 names another Helm
	scripts/crds/fetch.sh
	$(PYTEST) -n 2 --dist worksteal tests/chart $(ARGS)

# 23.0.1 is the last before Python 3.12, on which it does not run.
PIPS = $(shell $(BIN)/python -c 'import sys; print("23.0.1" * (sys.version_info < (3, 12)))') 23.2.1 26.3

.PHONY: test-pips
test-pips: $(DEV) ## Install the locks with the pips that machines have, beside an index of newer releases
	for pip in $(PIPS); do echo "pip $$pip" && PIP_UNDER_TEST=$$pip $(PYTEST) -q -n 2 tests/scripts/test_install.py; done

.PHONY: crash-test
crash-test: $(DEV) ## Kill everything at random under orders: none lost, none charged twice (4 min; ARGS="--orders 200 --kills 10")
	$(BIN)/python -m tests.crash $(ARGS)

$(MUTANTS): requirements/mutants.txt
	sh scripts/find-python.sh .venv-mutants && sh scripts/install.sh .venv-mutants/bin/python requirements/mutants.txt && touch $@

.PHONY: mutants
mutants: $(DEV) $(MUTANTS) ## Break the code on purpose; fail when the tests miss more than 1 in 20 (ARGS=--all: hours)
	$(BIN)/python -m scripts.mutants --python .venv-mutants/bin/python $(ARGS)

.PHONY: contract
contract: $(DEV) ## Hold the service to docs/openapi.json with Schemathesis, as each role, on both back ends (1 h)
	$(BIN)/python -m tests.contract $(ARGS)

.PHONY: lint
lint: $(DEV) ## Check style, types and import rules, and scan without a network (1 min)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r app bench grafana helm loadtests scripts
	$(BIN)/zizmor --offline --persona=regular -q .github
	$(BIN)/yamllint .

## Load and measure it

.PHONY: load
load: $(DEV) ## Load `make run` and judge it by the SLOs (40 s; ARGS=--help lists options)
	$(BIN)/python -m loadtests $(ARGS)

$(BENCH): requirements/bench.txt
	sh scripts/find-python.sh .venv-bench && sh scripts/install.sh .venv-bench/bin/python requirements/bench.txt && touch $@

# What the tests need beside is loaded by some libraries when they find it, and no image has it.
.PHONY: bench
bench: $(DEV) $(BENCH) ## Measure what the service costs, against a bare FastAPI route (some minutes, on an idle machine)
	$(BIN)/python -m bench --python .venv-bench/bin/python $(ARGS)

.PHONY: bench-telemetry
bench-telemetry: $(BENCH) ## Measure what telemetry costs a request, part by part and against two peers (1 to 2 min; ARGS=--help lists options)
	.venv-bench/bin/python -m bench.telemetry $(ARGS)

.PHONY: bench-telemetry-outages
bench-telemetry-outages: $(DEV) ## Measure what customers feel of a trace back end that is gone, refuses, hangs or is slow (some minutes)
	$(BIN)/python -m bench.telemetry_outages

.PHONY: e2e
e2e: $(DEV) ## Run the drills on the cluster of KUBECONFIG: install, rollouts, upgrades, outages, alerts
	sh scripts/drills.sh $(BIN)/python tests/e2e $(ARGS)

.PHONY: look
look: $(DEV) ## Draw the dashboards into look.html, without a Grafana, from a Prometheus (ARGS=--help lists options)
	$(BIN)/python -m grafana.look $(ARGS)

## Write and lock

.PHONY: generate
generate: $(DEV) ## Write everything that is generated
	$(BIN)/python -m scripts.settings
	$(BIN)/python -m scripts.contract
	$(BIN)/python -m scripts.load_verdict_picture
	$(BIN)/python -m grafana.generate
	$(BIN)/python -m scripts.inventory
	$(BIN)/python -m helm.generate
	$(BIN)/python -m helm.render

$(LOCK): requirements/lock.txt
	sh scripts/find-python.sh .venv-lock && sh scripts/install.sh .venv-lock/bin/python requirements/lock.txt && touch $@

.PHONY: lock
lock: $(LOCK) ## Resolve the requirements anew, none younger than a week
	sh scripts/lock.sh .venv-lock/bin/uv

$(SCAN): requirements/scan.txt
	sh scripts/find-python.sh .venv-scan && sh scripts/install.sh .venv-scan/bin/python requirements/scan.txt && touch $@

## Make it yours

.PHONY: yours
yours: $(DEV) ## Copy the repository under another name: make yours NAME=acme TO=../acme (1 min)
	$(BIN)/python -m scripts.yours --name '$(NAME)' --to '$(TO)'

.PHONY: test-yours
test-yours: $(DEV) ## Make such a copy in a temporary folder, and run its `make lint` and `make test` (10 min)
	sh scripts/yours/test.sh $(or $(NAME),very-long-company-name) "$(ARGS)"

## Scan it

.PHONY: scan-code
scan-code: $(DEV) ## Refuse dangerous Python
	$(BIN)/bandit -q -c pyproject.toml -r app bench grafana helm loadtests scripts

.PHONY: scan-workflows
scan-workflows: $(DEV) ## Refuse dangerous workflows; with GH_TOKEN also ask GitHub about every pinned action
	$(BIN)/zizmor --persona=regular -q .github

.PHONY: scan-dependencies
scan-dependencies: $(SCAN) ## Refuse vulnerable locked versions; asks osv.dev, and Safety with SAFETY_API_KEY
	PATH="$(CURDIR)/.venv-scan/bin:$$PATH" sh .github/scripts/scan-dependencies.sh

.PHONY: mutants-all
mutants-all: ARGS = --all
mutants-all: mutants

## Everything

.PHONY: proof
proof: lint test test-system crash-test contract mutants-all e2e ## Run everything, without a limit of time (hours)

.PHONY: clean
clean: ## Delete the virtual environments and the caches
	rm -rf $(VENV) .venv-scan .venv-bench .venv-lock .venv-mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
