# `make demo` and `make test` need Linux and Python 3.11, 3.12 or 3.13; all else they install
# into .venv. On a machine without an NVIDIA card, this saves gigabytes:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?=
VENV ?= .venv
TORCH_INDEX ?=

BIN := $(VENV)/bin
READY := $(VENV)/ready
SLIM := $(VENV)/demo-ready
LOG := $(VENV)/install.log
# A file's tests stay on one process, for what they share.
PARALLEL := -n auto --maxprocesses 8 --dist loadfile

# A line that tells how far pip is: on a terminal always the same one, in a log every twentieth.
PROGRESS := awk -v tty="$$([ -t 1 ] && echo 1)" '\
	/^Collecting / { n++; if (tty) printf "\rsetup: package %d, %-40s", n, $$2; \
		else if (n % 20 == 0) print "setup: package " n ", " $$2; fflush() } \
	/^Installing collected/ { if (tty) printf "\r"; \
		printf "setup: unpacking %d packages%30s\n", NF - 3, ""; fflush() }'

# Threads that wait without spinning: PyTorch on few cores is many times faster so.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help setup demo test test-quick test-all test-hardware lint bench docs format clean

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(READY) ## make .venv with everything in it

demo: $(if $(wildcard $(READY)),$(READY),$(SLIM)) ## retrieve a goal that is nearly hidden; leaves a film in pushgrasp-demo
	@$(BIN)/pushgrasp demo

test: lint ## check the code and run the test suite
	@echo "test: pytest, on every core"
	@$(BIN)/python -m pytest -q $(PARALLEL) -m "not long"

test-quick: $(READY) ## the tests that take a moment
	@$(BIN)/python -m pytest -q $(PARALLEL) -m "not slow and not long"

test-all: lint ## the test suite with the tests that take minutes each
	@$(BIN)/python -m pytest -q $(PARALLEL)

test-hardware: $(READY) ## test the robots' drivers, a rehearsed Franka's too (half a gigabyte more)
	@$(BIN)/python -c 'import franky_sim' 2>/dev/null || \
		$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[rehearsal]'
	@$(BIN)/python -m pytest -q tests/hardware

lint: $(READY) ## check style and types
	@echo "lint: ruff"
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "lint: some files are not formatted; 'make format' does it"; exit 1; }
	@echo "lint: pyright"
	@$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python
	@echo "lint: import contracts"
	@$(BIN)/lint-imports >$(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@echo "lint: README's table of results"
	@$(BIN)/python bench/readme_table.py
	@$(BIN)/python bench/all.py

bench: $(READY) ## run every benchmark and write the tables of docs/benchmarks.md; takes hours, resumes
	@$(BIN)/python bench/all.py --runs runs/bench
	@$(BIN)/python bench/all.py --runs runs/bench --write

docs: $(READY) ## build the documentation into site/; a broken link is an error
	@$(BIN)/python -c 'import material, mkdocstrings_handlers' 2>/dev/null || \
		$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[docs]'
	@$(BIN)/mkdocs build --quiet
	@echo "docs: open site/index.html; with search: $(BIN)/python -m http.server -d site"

format: $(READY) ## format the code
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

clean: ## take away .venv and what the commands left
	@rm -rf $(VENV) pushgrasp-demo pushgrasp-episode pushgrasp-replay build site .pytest_cache .ruff_cache .hypothesis src/*.egg-info
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Done again whenever what is to be installed changes. A demo needs less than half of it.
$(READY): WANTED := -e '.[dev]'
$(SLIM): WANTED := --no-compile -e '.[looks]'
$(READY) $(SLIM): pyproject.toml constraints.txt
	@python=""; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
		then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "setup: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "setup: $$python has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; \
	fi; \
	echo "setup: making $(VENV) with $$("$$python" --version)"; \
	rm -rf $(VENV); \
	"$$python" -m venv $(VENV); \
	echo "setup: installing what constraints.txt lists (once; some minutes)"; \
	if ! $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) \
		-c constraints.txt $(WANTED) 2>&1 | tee $(LOG) | $(PROGRESS); \
	then \
		tail -n 15 $(LOG) >&2; \
		echo "setup: installing failed; the whole log is in $(LOG)" >&2; \
		exit 1; \
	fi; \
	touch $@; \
	echo "setup: done"
