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
DEBIAN_PACKAGES := chromium libfaketime pgbouncer redis-server
ARGS ?=
# docs/adr/0080-a-second-look.md
SECOND_LOOK := --reruns 1 --max-suite-reruns 2 --rerun-show-tracebacks \
	--rerun-exclude-path tests/unit --rerun-exclude-path tests/contract

BIN := .venv/bin
PY := $(BIN)/python
CODE := src $(wildcard tests bench examples docs)
# The stamp carries the folder's name: a copied or moved environment is made anew.
empty :=
READY := .venv/.ready$(subst $(empty) ,_,$(subst /,-,$(CURDIR)))

##@ Use

.PHONY: run
run: $(READY)  ## start a hub on http://127.0.0.1:8080 with ./taskflow.db (ARGS="--help")
	@exec $(BIN)/taskflow up $(ARGS)

##@ Test

.PHONY: test
test: $(READY)  ## run every test that needs only PyPI (ARGS="-k word -x")
	@$(PY) -m pytest -m "not debian" $(ARGS)

.PHONY: test-all
test-all: $(READY) debian  ## run every test, and name the slowest; installs the Debian packages they need
	@$(PY) -m pytest --durations=25 --durations-min=5 $(SECOND_LOOK) $(ARGS)

.PHONY: coverage
coverage: $(READY)  ## run the tests and show what they cover; below 90 % of src/ fails
	@$(PY) -m pytest -m "not debian" --cov --cov-report=term $(ARGS)

.PHONY: coverage-html
coverage-html: $(READY)  ## the same, as pages: htmlcov/index.html
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

##@ Check

.PHONY: check
check: $(READY)  ## format, lint, types and import contracts, changing nothing
	@$(BIN)/uv lock --check --offline --quiet || { echo "check: uv.lock does not match pyproject.toml: make lock" >&2; exit 1; }
	@$(PY) -m ruff format --check $(CODE)
	@$(PY) -m ruff check $(CODE)
	@$(PY) -m mypy $(CODE)
	@$(BIN)/lint-imports --no-logo

.PHONY: format
format: $(READY)  ## format the code and mend what can be mended
	@$(PY) -m ruff check --fix-only --quiet $(CODE)
	@$(PY) -m ruff format $(CODE)

.PHONY: hooks
hooks: $(READY)  ## check before every commit (pre-commit)
	@$(BIN)/pre-commit install

##@ Keep

.PHONY: setup
setup: $(READY)  ## make .venv with the locked packages

.PHONY: lock
lock: $(READY)  ## renew uv.lock from pyproject.toml (ARGS="--upgrade")
	@env -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_INDEX $(BIN)/uv lock $(ARGS)
	@$(BIN)/uv sync --frozen --quiet

.PHONY: pictures
pictures: $(READY) debian  ## take the documentation's pictures anew
	@$(PY) -m docs.make_pictures $(ARGS)

.PHONY: clean
clean:  ## remove everything that is made: .venv, caches, reports (never a database)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist build .bench
	@find src tests $(wildcard bench examples docs) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help:  ## show this
	@if [ -t 1 ] && [ -z "$${NO_COLOR:-}" ]; then b=$$'\e[1m' c=$$'\e[36m' n=$$'\e[0m'; else b= c= n=; fi; \
	printf '%sTaskFlow Hub%s: durable background tasks\n' "$$b" "$$n"; \
	awk -v b="$$b" -v c="$$c" -v n="$$n" 'BEGIN { FS = ":.*##[ ]*" } \
		/^##@/ { printf "\n%s%s%s\n", b, substr($$0, 5), n } \
		/^[a-z-]+:.*##/ { printf "  %s%-18s%s %s\n", c, "make " $$1, n, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- below: not for the hand -----------------------------------------------------------------------------------------

$(READY): pyproject.toml uv.lock .ci/setup
	@.ci/setup $(READY) $(UV_VERSION)

.PHONY: debian
debian:
	@.ci/debian $(DEBIAN_PACKAGES)
