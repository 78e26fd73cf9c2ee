# The commands of the README. Each makes what it needs and is quick when run again.
#
#   make hello    speak one sentence with the built-in voice into hello.wav
#   make test     the default test suite (no network, no weights, no GPU)
#   make lint     format, lint, types, import layers
#   make browser  the studio in a real Chromium (Debian: apt install chromium)
#   make fleet    a local Ray cluster of two nodes: killed workers, rolling updates
#   make oracle   compare with the public qwen-tts package, in its own environment
#
# Another interpreter: make test PYTHON=python3.12

VENV := .venv
ORACLE_VENV := .venv-oracle
BIN := $(VENV)/bin
TORCH := torch==2.13.0
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& echo $$python && break; done)

.PHONY: hello test lint browser fleet oracle clean
.DELETE_ON_ERROR:

hello: $(VENV)/.installed
	@$(BIN)/intone say --model builtin --out hello.wav \
		"Hello! This is Intone, speaking with its own voice."

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --quiet -n auto --maxprocesses 4 --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --quiet -rs -m browser tests/studio/browser

fleet: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --quiet -rs -m fleet tests/deploy

oracle: $(VENV)/.installed-dev $(ORACLE_VENV)/.installed
	INTONE_ORACLE_PYTHON=$(CURDIR)/$(ORACLE_VENV)/bin/python $(BIN)/python -m pytest --quiet -m oracle

clean:
	rm -rf $(VENV) $(ORACLE_VENV) build dist hello.wav

# torch goes first and alone: it is the large one, and its own pin must decide what comes after.
$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Intone needs Python 3.11, 3.12 or 3.13; none was found." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) -c constraints.txt '$(TORCH)'
	$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[dev]'
	touch $@

$(ORACLE_VENV)/.installed: tests/oracle/requirements.txt
	@test -n "$(PYTHON)" || { echo "Intone needs Python 3.11, 3.12 or 3.13; none was found." >&2; exit 1; }
	test -x $(ORACLE_VENV)/bin/python || $(PYTHON) -m venv $(ORACLE_VENV)
	$(ORACLE_VENV)/bin/python $(PIP_INSTALL) '$(TORCH)'
	$(ORACLE_VENV)/bin/python $(PIP_INSTALL) --no-deps -r tests/oracle/requirements.txt
	touch $@
