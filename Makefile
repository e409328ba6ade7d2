# Two commands do all set-up: `make run` and `make test`.
#
# Which Python is used:
#   1. an activated virtual environment or conda environment, as it is (its torch is used);
#   2. otherwise .venv, made on first use; where the machine's python3 already has torch,
#      .venv sees the machine's packages, so that torch is not downloaded again.

PYTHON ?= python3
ACTIVE := $(or $(VIRTUAL_ENV),$(CONDA_PREFIX))
ifeq ($(ACTIVE),)
  ENV := .venv
else
  ENV := $(ACTIVE)
endif
BIN := $(ENV)/bin
STAMPS := $(ENV)/.torchproof

.PHONY: run test check format snapshots screenshots clean

run: $(STAMPS)/app
	@$(BIN)/torchproof

test: $(STAMPS)/dev
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/questions tests/tui > $(STAMPS)/beside.txt 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest --ignore=tests/questions --ignore=tests/tui; rest=$$?; \
	wait $$beside; beside=$$?; cat $(STAMPS)/beside.txt; \
	test $$rest -eq 0 -a $$beside -eq 0  # two cores, two halves

format: $(STAMPS)/dev
	@$(BIN)/python -m ruff format .
	@$(BIN)/python -m ruff check --fix .

snapshots: $(STAMPS)/dev
	@rm -rf tests/tui/snapshots
	@TORCHPROOF_SNAPSHOTS=write $(BIN)/python -m pytest tests/tui/test_five_lives.py tests/tui/test_bank_cards.py

screenshots: $(STAMPS)/dev
	@$(BIN)/python docs/screenshots.py

$(STAMPS)/app: pyproject.toml $(STAMPS)/env
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(STAMPS)/dev: pyproject.toml $(STAMPS)/env
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(STAMPS)/app

$(STAMPS)/env:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "torchproof needs Python 3.11 or newer; $$($(PYTHON) --version) was found as '$(PYTHON)'." >&2; \
	  echo "Name another one: make run PYTHON=python3.12" >&2; exit 1; }
ifeq ($(ACTIVE),)
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is not complete. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@if $(PYTHON) -c 'import importlib.util as u, sys; sys.exit(sys.prefix != sys.base_prefix or not u.find_spec("torch"))'; then \
	  echo "Making .venv on top of the torch this machine already has." >&2; \
	  $(PYTHON) -m venv --system-site-packages .venv; \
	else \
	  echo "Making .venv and installing torch: one large download, a few minutes." >&2; \
	  $(PYTHON) -m venv .venv; \
	fi
endif
	@mkdir -p $(STAMPS)
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
