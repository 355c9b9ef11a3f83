# TaskFlow Hub. `make` says what there is; every target does its own set-up.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# An environment that happens to be active is not ours.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH UV_PROJECT_ENVIRONMENT
# Tests start hundreds of processes: none shall compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON := .venv/bin/python
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

UV_VERSION := 0.13.9
DEBIAN_PACKAGES := chromium libfaketime pgbouncer prometheus redis-server
ARGS ?=
# Tests wait more than they work: one process more than there are cores. A file's tests stay together, with what they share. In the
# order of the rooms: what takes long (crash, docs, e2e) does not come last.
SIDE_BY_SIDE := -n $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1))) --dist loadfile --no-loadscope-reorder
# docs/adr/0080-a-second-look.md
SECOND_LOOK := --reruns 1 --max-suite-reruns 2 --rerun-show-tracebacks \
	--rerun-exclude-path tests/unit --rerun-exclude-path tests/contract

BIN := .venv/bin
PY := $(BIN)/python
CODE := src $(wildcard apps tests bench examples deploy docs)
UI := src/taskflow_hub/http/ui/index.html
UI_SOURCE := $(if $(wildcard ui),$(shell find ui -path ui/node_modules -prune -o -type f -print))
NODE_MODULES := ui/node_modules/.package-lock.json
# The stamp carries the folder's name: a copied or moved environment is made anew.
empty :=
READY := .venv/.ready$(subst $(empty) ,_,$(subst /,-,$(CURDIR)))

##@ Use

.PHONY: run
run: $(READY) $(UI)  ## start a hub on http://127.0.0.1:8080 with ./taskflow.db (ARGS="--help")
	@exec $(BIN)/taskflow up $(ARGS)

##@ Test

.PHONY: test
test: $(READY) $(UI)  ## run every test that needs only PyPI (ARGS="-k word -x")
	@$(PY) -m pytest -m "not debian" $(if $(ARGS),,$(SIDE_BY_SIDE)) $(ARGS)

.PHONY: test-all
test-all: $(READY) $(UI) debian  ## run every test, and name the slowest; installs the Debian packages they need
	@$(PY) -m pytest --durations=25 --durations-min=5 $(SIDE_BY_SIDE) $(SECOND_LOOK) $(ARGS)

.PHONY: coverage
coverage: $(READY) $(UI)  ## run the tests and show what they cover; below 90 % of src/ fails
	@$(PY) -m pytest -m "not debian" --cov --cov-report=term $(ARGS)

.PHONY: coverage-html
coverage-html: $(READY) $(UI)  ## the same, as pages: htmlcov/index.html
	@$(PY) -m pytest -m "not debian" --cov --cov-report=html $(ARGS)

.PHONY: bench
bench: $(READY)  ## measure the hub by itself, then beside five other task queues (ARGS="--help": the second alone)
	@$(if $(ARGS),,$(PY) -m bench.hub)
	@$(PY) -m bench compare $(ARGS)

.PHONY: bench-all
bench-all: $(READY)  ## measure it beside every one that bench/systems has
	@$(PY) -m bench compare --all $(ARGS)

.PHONY: bench-peers
bench-peers: $(READY)  ## make their environments below .bench/
	@$(PY) -m bench environments --all $(ARGS)

.PHONY: bench-quick
bench-quick: $(READY)  ## look for regressions by CPU time, as a ratio to a fixed loop
	@$(PY) -m bench quick $(ARGS)

.PHONY: bench-hub
bench-hub: $(READY)  ## measure the hub by itself, and study it on PostgreSQL (ARGS="--help")
	@$(PY) -m bench.hub $(ARGS)

.PHONY: chaos
chaos: $(READY)  ## do to running hubs what operators fear, and check what became of every task (ARGS="--help")
	@.ci/debian libfaketime
	@$(PY) -m tests.crash.chaos $(ARGS)

.PHONY: fuzz
fuzz: $(READY)  ## play 50 000 random workflows on each database against a model, killing processes (ARGS="--help")
	@$(PY) -m tests.fuzz $(ARGS)

##@ Check

.PHONY: check
check: $(READY) $(UI)  ## format, lint, types and import contracts, changing nothing
	@$(BIN)/uv lock --check --offline --quiet || { echo "check: uv.lock does not match pyproject.toml: make lock" >&2; exit 1; }
	@$(PY) -m ruff format --check $(CODE)
	@$(PY) -m ruff check $(CODE)
	@$(PY) -m mypy $(CODE)
	@$(BIN)/lint-imports --no-logo
	@[ ! -x $(BIN)/hadolint ] || $(BIN)/hadolint deploy/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/zizmor --offline --no-progress --quiet .github
	@cd ui && ../.ci/node npm run --silent lint && ../.ci/node npm run --silent types

.PHONY: format
format: $(READY)  ## format the code and mend what can be mended
	@$(PY) -m ruff check --fix-only --quiet $(CODE)
	@$(PY) -m ruff format $(CODE)

.PHONY: hooks
hooks: $(READY)  ## check before every commit (pre-commit)
	@$(BIN)/pre-commit install

##@ Keep

.PHONY: setup
setup: $(READY) $(UI)  ## make .venv with the locked packages, and build the dashboard

.PHONY: ui
ui: $(READY) $(UI)  ## build the dashboard into the package, if its source is newer (`npm run dev` in ui/ to work on it)

.PHONY: ui-types
ui-types: $(READY) $(NODE_MODULES)  ## renew the dashboard's types from the API's description
	@$(PY) -m tests.support.ui_types

.PHONY: lock
lock: $(READY)  ## renew uv.lock from pyproject.toml (ARGS="--upgrade")
	@env -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_INDEX $(BIN)/uv lock $(ARGS)
	@$(BIN)/uv sync --frozen --quiet

.PHONY: docs
docs: $(READY)  ## build the documentation's site: build/docs/site; a link that leads nowhere fails
	@$(PY) -m docs.make_site

.PHONY: docs-serve
docs-serve: $(READY)  ## show it on http://127.0.0.1:8000 while one writes
	@$(PY) -m docs.make_site serve

.PHONY: monitoring
monitoring: $(READY)  ## make the dashboards and alerts below deploy/monitoring anew (ARGS="--runbooks URL")
	@$(PY) -m deploy.monitoring.make $(ARGS)

.PHONY: pictures
pictures: $(READY)  ## record the documentation's terminals anew
	@$(PY) -m docs.make_pictures $(ARGS)

.PHONY: screenshots
screenshots: $(READY) $(UI) debian  ## photograph the dashboard anew, light and dark, desk and phone (ARGS="--into FOLDER")
	@$(PY) -m docs.make_screenshots $(ARGS)

.PHONY: clean
clean:  ## remove everything that is made: .venv, caches, reports (never a database)
	@rm -rf ui/node_modules $(dir $(UI))
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist build .bench
	@find src tests $(wildcard apps bench examples deploy docs) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help:  ## show this
	@if [ -t 1 ] && [ -z "$${NO_COLOR:-}" ]; then b=$$'\e[1m' c=$$'\e[36m' n=$$'\e[0m'; else b= c= n=; fi; \
	printf '%sTaskFlow Hub%s: durable background tasks\n' "$$b" "$$n"; \
	awk -v b="$$b" -v c="$$c" -v n="$$n" 'BEGIN { FS = ":.*##[ ]*" } \
		/^##@/ { printf "\n%s%s%s\n", b, substr($$0, 5), n } \
		/^[a-z-]+:.*##/ { printf "  %s%-18s%s %s\n", c, "make " $$1, n, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- below: not for the hand -----------------------------------------------------------------------------------------

$(READY): pyproject.toml uv.lock .ci/setup .ci/node
	@.ci/setup $(READY) $(UV_VERSION)

$(UI): $(UI_SOURCE) $(NODE_MODULES) | $(READY)
	@cd ui && ../.ci/node npm run --silent build
	@touch $@

$(NODE_MODULES): ui/package-lock.json ui/.npmrc | $(READY)
	@cd ui && ../.ci/node npm ci --silent
	@touch $@

.PHONY: debian
debian:
	@.ci/debian $(DEBIAN_PACKAGES)
