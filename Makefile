# Everything one does with Baton. `make` alone lists it. Needs python3 (3.11 or newer) with its venv module.

SHELL := /bin/sh
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
POSTGRES ?= postgres://postgres@127.0.0.1:5432/baton
REDIS ?= redis://127.0.0.1:6379/9
JOBS ?= 3

.DEFAULT_GOAL := help
.PHONY: help run test test-services lint format bench soak messages lock

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: .venv/.base ## install what is missing and run on http://127.0.0.1:8000 (PORT=…, DEMO=0 for an empty install)
	@$(BIN)/python manage.py up

test: .venv/.test ## all tests that need no service
	@env -u DATABASE_URL -u REDIS_URL -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal $(TESTS)

test-services: export DATABASE_URL := $(or $(DATABASE_URL),$(POSTGRES))
test-services: export REDIS_URL := $(or $(REDIS_URL),$(REDIS))
test-services: .venv/.test ## the same tests on PostgreSQL and Redis (DATABASE_URL, REDIS_URL)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal $(TESTS)

lint: export DATABASE_URL :=
lint: export REDIS_URL :=
lint: .venv/.dev ## style, types, layers, templates, security, migrations, translations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@find . -path ./.venv -prune -o -name '*.html' -path '*/templates/*' -print | xargs -r $(BIN)/djade --check --target-version 5.2
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml crm leads scoring 2>/dev/null
	@$(BIN)/bandit --quiet --recursive --tests B608 crm leads 2>/dev/null
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/mypy
	@$(BIN)/python .ci/translations

format: .venv/.dev ## rewrite Python and templates in the house style
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .
	@find . -path ./.venv -prune -o -name '*.html' -path '*/templates/*' -print | xargs -r $(BIN)/djade --target-version 5.2

bench: .venv/.test ## measure, print a table and write benchmarks/latest.json
	@$(BIN)/python -m benchmarks

soak: .venv/.test ## the long fault tests
	@$(BIN)/python -m pytest -q -m soak -n 0 $(or $(TESTS),tests/reliability)

messages: .venv/.test ## collect the strings for translators and compile what they made (needs GNU gettext)
	@$(BIN)/python manage.py makemessages --all --no-wrap --add-location file --ignore '.venv/*' --ignore 'var/*' --ignore 'tests/*'
	@$(BIN)/python manage.py makemessages --all --no-wrap --add-location file --ignore '.venv/*' --ignore 'var/*' --ignore 'tests/*' --domain djangojs --extension js
	@$(BIN)/python manage.py compilemessages --ignore '.venv/*'

lock: .venv/.dev ## pin the versions in requirements/ anew
	@for set in base test dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
			--output-file requirements/$$set.txt requirements/$$set.in || exit 1; done

# --- The virtual environment: made once, brought up to date when the pinned versions change

.venv/.base: requirements/base.txt
	@python=; for candidate in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
		if [ -n "$$candidate" ] && "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python=$$candidate; break; fi; done; \
	if [ -z "$$python" ]; then \
		echo 'Baton needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.'; exit 1; fi; \
	if [ ! -x $(BIN)/python ]; then \
		echo 'Making the virtual environment …'; \
		if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
			echo "Baton needs Python's venv module; on Debian and Ubuntu: apt install python3-venv."; exit 1; fi; \
		"$$python" -m venv .venv || exit 1; fi
	@echo 'Installing what Baton needs …'
	@$(PIP) -r requirements/base.txt
	@touch $@

.venv/.test: .venv/.base requirements/test.txt
	@echo 'Installing what the tests need …'
	@$(PIP) -r requirements/test.txt
	@touch $@

.venv/.dev: .venv/.test requirements/dev.txt
	@echo 'Installing what the checks need …'
	@$(PIP) -r requirements/dev.txt
	@touch $@
