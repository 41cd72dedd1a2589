# Everything a newcomer needs. The first use of a target installs into .venv from the hashed lock; later uses cost nothing.
# Needs python3 (3.11 to 3.13), make and a C library.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
ARGS ?=
UV := UV_SYSTEM_CERTS=true VIRTUAL_ENV=$(VENV) $(RUN) uv pip install -q

.DEFAULT_GOAL := help
.PHONY: help scan test lint bench lab bot picture lock clean

help: ## show the targets
	@grep -E '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /  make \1|/' | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

scan: $(READY) ## look for underpriced items, on a sandbox market unless keys are set (ARGS="dota2 boost")
	@$(RUN) botcore scan $(ARGS)

test: $(READY) ## run every test, and every notebook; root on Debian also gets the browser that the chat page is tested in
	@$(RUN) tests.browser
	@$(RUN) pytest $(ARGS)
	@$(if $(ARGS),:,$(RUN) pytest --nbval --nbval-current-env notebooks)

lint: $(READY) ## check style, types and the direction of imports
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(VENV)/bin/lint-imports

bench: $(READY) ## measure everything against the sandbox and write records (ARGS="--quick" for a minute each)
	@code=0; for name in scan cache store bot watch; do $(RUN) botcore bench $$name $(ARGS) || code=1; done; exit $$code

lab: $(READY) ## open JupyterLab on the first notebook, with a kernel that has everything (ARGS=--no-browser)
	@JUPYTER_PREFER_ENV_PATH=1 $(RUN) jupyterlab --LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb $(ARGS)

bot: $(READY) ## run the Telegram bot, on a Telegram of this machine unless TELEGRAM_TOKEN is set
	@$(RUN) botcore bot $(ARGS)

picture: $(READY) ## draw the pictures of the README anew
	@$(RUN) botcore.cli.picture
	@$(RUN) tests.bot.picture

lock: $(READY) ## resolve the dependencies anew
	@$(RUN) uv pip compile -q --upgrade --universal --python-version 3.11.2 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra all pyproject.toml -o requirements.lock

clean: ## remove what the targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov dist
	find botcore tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "botcore needs Python 3.11 to 3.13; set PYTHON to one, as in: make scan PYTHON=python3.12" >&2; exit 2; }
	@echo "Installing into $(VENV), this once." >&2
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(RUN) pip install -q --disable-pip-version-check uv
	@$(UV) --require-hashes -r requirements.lock || $(RUN) pip install -q --require-hashes -r requirements.lock
	@$(UV) --no-deps -e . || $(RUN) pip install -q --no-deps -e .
	@env -u PYTHONDONTWRITEBYTECODE $(VENV)/bin/python -c 'import alembic.command, botcore.cli.scan, redis.asyncio' # compiled once, so that every start is quick
	@touch $(READY)
