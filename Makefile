# Two commands do everything on a fresh machine: `make demo` shows the main job, `make test` runs the tests.

PYTHON ?= python3
VENV ?= .venv
PYTEST ?= pytest
TESTS ?=
# The tests start many processes: what is compiled once is kept for all of them.
unexport PYTHONDONTWRITEBYTECODE

BIN = $(VENV)/bin

.PHONY: demo test lint docs bench clean

demo: $(VENV)/.installed  ## Examine the support agent of the incident, and the same agent done right.
	@echo "== examples/support_agent_before: the agent of the incident"
	@cd examples/support_agent_before && ../../$(BIN)/python -m pytest -q -rN --tb=no -p no:cacheprovider -p no:asyncio -p no:randomly; test $$? -eq 1
	@echo
	@echo "== examples/support_agent: the same tools, done right"
	@cd examples/support_agent && ../../$(BIN)/python -m pytest -q -rN --tb=short -p no:cacheprovider -p no:asyncio -p no:randomly
	@echo
	@echo "== next, in your own project: pip install $(CURDIR) && pytest --agentready-tools shop.tools"
	@echo "   A test file proves more: \"Use it\" in README.md. The reason of a finding: pytest --agentready-explain AR701"

test: $(VENV)/.installed  ## Run the tests.
	@# Many tests are about real threads: what fails beside others is tried once more, alone.
	$(BIN)/python -m pytest -q -n auto --dist worksteal $(TESTS) || $(BIN)/python -m pytest -q --last-failed --last-failed-no-failures=none $(TESTS)

lint: $(VENV)/.linted  ## Style, types, and the generated pages.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python docs/build.py --check

docs: $(VENV)/.installed  ## Write the generated pages anew.
	$(BIN)/python docs/build.py

bench: $(VENV)/.installed  ## Measure, and compare with the targets (some minutes).
	$(BIN)/python benchmarks/run.py --write
	@echo "Beside these: benchmarks/clients.py (what becomes of each client), benchmarks/stress.py (the same record under load, each time),"
	@echo "benchmarks/breakers.py (how often each cost breaker is found racy, on the world's Redis and on a real one)"
	@echo "and benchmarks/reservations.py (the breaker of the patterns, on a redis-server)"

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group test "$(PYTEST)"
	@touch $@

$(VENV)/.linted: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group lint
	@touch $@

clean:
	rm -rf .venv* .mypy_cache .ruff_cache .pytest_cache dist build
