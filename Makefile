# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test test-all lint clean

demo: $(READY)
	$(VENV)/bin/weakseg demo --out demo --overwrite

test: $(READY)
	$(VENV)/bin/pytest

test-all: $(VENV)/.crf
	$(VENV)/bin/pytest -m ''

lint: $(READY)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

# Made again only when what is to be installed changes.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "weakseg needs Python 3.11 or newer; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet --editable '.[dev]'
	@touch $@

# The dense CRF is compiled on installation, so only the full tests ask for it.
$(VENV)/.crf: $(READY)
	$(VENV)/bin/pip install --quiet --editable '.[crf]'
	@touch $@

clean:
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache
