# Every command sets up what it needs in .venv: python >= 3.11 and make are enough.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench docs clean

demo: .venv/demo
	$(BIN)/antidistill demo

test: .venv/test
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/bench
	$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/docs
	$(BIN)/zensical build --clean --strict

clean:
	rm -rf .venv .cache site dist build

.venv/made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "antidistill needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

.venv/demo: .venv/made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

.venv/test: .venv/made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]' --group test
	@touch $@

.venv/lint: .venv/test
	$(BIN)/python -m pip install --quiet --group lint --group bench
	@touch $@

.venv/bench: .venv/test
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

.venv/docs: .venv/made pyproject.toml
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@
