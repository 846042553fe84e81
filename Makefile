# Everything is set up on the way: `make demo` and `make test` work in a fresh checkout.
# Needs GNU make, git and Python 3.11 or newer with venv. PYTHON=/path/to/python chooses another one.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST_FLAGS ?= -n auto

.DEFAULT_GOAL := help
.PHONY: help demo test pytest bench lint types format schemas reference pictures goldens constraints lock sbom release clean
.DELETE_ON_ERROR:

help: ## Show the targets.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: $(VENV)/.runtime ## Run the whole loop, from YAML to verified cancellation, on local clouds.
	@$(BIN)/reconciler demo

test: $(VENV)/.dev $(VENV)/sbom/.created ## Check style and types, and run the tests.
	@failed=; \
	$(BIN)/python -m ruff check . || failed="$$failed ruff-check"; \
	$(BIN)/python -m ruff format --check . || failed="$$failed ruff-format"; \
	$(BIN)/python -m mypy || failed="$$failed mypy"; \
	$(BIN)/python -m pytest $(PYTEST_FLAGS) || failed="$$failed pytest"; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

pytest: $(VENV)/.dev ## Run the tests alone.
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

bench: $(VENV)/.dev $(VENV)/bench/.created ## Measure, and write benchmarks/results.md and its charts anew (a quarter of an hour).
	@$(BIN)/python -m benchmarks $(BENCH_FLAGS)

lint: $(VENV)/.dev ## Check style and format.
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

types: $(VENV)/.dev ## Check types.
	@$(BIN)/python -m mypy

format: $(VENV)/.dev ## Put the code into its format.
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

schemas: $(VENV)/.dev ## Write schemas/*.json anew from the code.
	@$(BIN)/reconciler schema > schemas/.new && mv schemas/.new schemas/reconciler.schema.json
	@$(BIN)/reconciler schema --of tests > schemas/.new && mv schemas/.new schemas/reconciler-test.schema.json
	@for name in $$($(BIN)/python -c 'from reconciler.cli.schema import OUTPUT; print(*OUTPUT)'); do \
		$(BIN)/reconciler schema --of "$$name" > schemas/.new && mv schemas/.new "schemas/$$name.schema.json" || exit 1; \
	done

reference: $(VENV)/.dev ## Write docs/reference/*.md anew from the code.
	@$(BIN)/python -m docs.generate

pictures: $(VENV)/.dev ## Write docs/pictures anew, from what the demo shows. Needs Chromium.
	@$(BIN)/python -m docs.generate.pictures

goldens: $(VENV)/.dev ## Write the expected outputs of the tests anew; read the difference afterwards.
	@UPDATE_GOLDENS=1 $(BIN)/python -m pytest $(PYTEST_FLAGS) -k golden

constraints: $(VENV)/.dev $(VENV)/sbom/.created ## Write down the installed versions as those that `make test` uses.
	@{ sed -n '/^#/p' constraints.txt; for place in $(VENV) $(VENV)/sbom; do \
		$(PIP) --python $$place/bin/python freeze --exclude-editable --exclude pip --exclude setuptools; done | sort -fu; } > .constraints.new
	@mv .constraints.new constraints.txt

lock: $(VENV)/.dev ## Write down, with hashes, what the CI kits install: the same versions, what builds it, wheels alone.
	@echo "$$(sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml)" | $(BIN)/python -m uv pip compile pyproject.toml - \
		--extra postgresql --universal --python-version 3.11 --generate-hashes --constraint constraints.txt \
		--only-binary :all: --emit-build-options --no-annotate --custom-compile-command "make lock" --quiet --output-file reconciler/requirements.lock

sbom: $(VENV)/.dev $(VENV)/sbom/.created ## Write dist/media-reconciler.cdx.json, a CycloneDX bill of what the CI kits install.
	@mkdir -p dist
	@sed "s/^dynamic = .*/version = \"$$($(BIN)/python -c 'import reconciler; print(reconciler.__version__)')\"/" \
		pyproject.toml > dist/.pyproject.toml
	@$(VENV)/sbom/bin/python -m cyclonedx_py requirements --pyproject dist/.pyproject.toml --output-reproducible --validate \
		--output-format JSON --output-file dist/media-reconciler.cdx.json reconciler/requirements.lock
	@rm dist/.pyproject.toml

release: $(VENV)/.dev sbom ## Build what is published into dist: wheel, source distribution, bill of materials.
	@$(BIN)/python -m build --no-isolation --outdir dist . >&2

clean: ## Remove the virtual environment and everything that was built or cached.
	rm -rf $(VENV) .venv-3.* tests/editor/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- set-up -------------------------------------------------------------------------------------------------

# Nobody compiles what is installed to be edited: where PYTHONDONTWRITEBYTECODE is set, each start would.
COMPILE = $(BIN)/python -m compileall -q reconciler

$(VENV)/.runtime: pyproject.toml $(VENV)/.created
	@echo "Installing reconciler into $(VENV) ..." >&2
	@$(PIP) install --editable .
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.created
	@echo "Installing reconciler and its development tools into $(VENV) ..." >&2
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@$(COMPILE)
	@touch $@ $(VENV)/.runtime

# What writes the bill of materials has an environment of its own. It brings along a parser that jsonschema loads
# wherever it is installed (rfc3987-syntax): every start of the program in the tests would take four times as long.
$(VENV)/sbom/.created: constraints.txt $(VENV)/.created
	@$(BIN)/python -m venv --clear --without-pip $(VENV)/sbom
	@$(PIP) --python $(VENV)/sbom/bin/python install --constraint constraints.txt cyclonedx-bom
	@touch $@

# Peers of the benchmarks, and what draws their charts: their dependencies would slow every start of the program, too.
$(VENV)/bench/.created: benchmarks/requirements.txt $(VENV)/.created
	@$(BIN)/python -m venv --clear --without-pip $(VENV)/bench
	@$(PIP) --python $(VENV)/bench/bin/python install --requirement benchmarks/requirements.txt
	@touch $@

# The newest Python of 3.11 and up that can make an environment with pip in it. A whole environment is kept.
$(VENV)/.created:
	@if $(PIP) --version >/dev/null 2>&1; then touch $@; exit 0; fi; \
	able='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'; \
	new='import sys; sys.exit(sys.version_info < (3, 11))'; \
	bare=; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3.20 python3.19 python3.18 python3.17 python3.16 python3.15 \
		python3.14 python3.13 python3.12 python3.11 python3 python); do \
		if "$$python" -c "$$able" >/dev/null 2>&1; then \
			echo "Creating $(VENV) with $$("$$python" --version) ..." >&2; \
			rm -rf $(VENV) && "$$python" -m venv $(VENV) && touch $@ && exit 0; \
			exit 1; \
		fi; \
		if "$$python" -c "$$new" >/dev/null 2>&1; then bare="$${bare:-$$python}"; fi; \
	done; \
	if [ -n "$$bare" ]; then \
		echo "$$bare has no venv or no ensurepip, which make the environment." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv (or python3.X-venv for another Python)." >&2; \
	else \
		echo "No Python 3.11 or newer was found. Install one, or say where it is: make PYTHON=/path/to/python" >&2; \
	fi; \
	exit 1
