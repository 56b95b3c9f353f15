# Everything runs in .venv, which `make setup` builds: only make and Python 3.11, 3.12 or 3.13 have to be there.
# ARGS adds arguments: make test ARGS="tests/auth -k login".

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SUITABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	--no-annotate --python-version 3.11 pyproject.toml

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup serve test lint bench requirements clean

help: ## Say what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Build .venv with everything pinned; the other targets do it by themselves

serve: $(READY) ## Start the service
	@$(BIN)/crafter serve $(ARGS)

test: $(READY) ## Run the tests
	@$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

lint: $(READY) ## Check style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY) ## Measure
	@$(BIN)/python -m bench $(ARGS)

requirements: $(READY) ## Pin the dependencies of pyproject.toml anew
	$(COMPILE) -o requirements/runtime.txt $(ARGS)
	$(COMPILE) --extra dev -o requirements/dev.txt $(ARGS)

clean: ## Remove .venv and everything else that can be made again
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements/dev.txt pyproject.toml
	@if ! $(BIN)/python -c '$(SUITABLE)' 2>/dev/null; then \
	  found=; for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if $$python -c '$(SUITABLE)' >/dev/null 2>&1; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "Crafter needs Python 3.11, 3.12 or 3.13 with venv, and none is on the PATH." \
	      "On Debian and Ubuntu: apt-get install python3 python3-venv. Elsewhere: make PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	  fi; \
	  echo "Setting up $(VENV) with $$($$found --version): this takes a minute or two, once."; \
	  $$found -m venv --clear $(VENV); \
	fi
	@$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
