# `make demo` and `make test` do all their set-up; they need Python 3.11 or later and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all gpu bench clean

demo: $(VENV)/.examples
	$(BIN)/python examples/garch_sp500.py

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

# With every case of the wide tables; long.
test-all: $(VENV)/.test
	$(BIN)/python -m pytest -q -n 2 --dist worksteal --all

# On a real GPU: the tests of target="cuda", under compute-sanitizer too where there is one, what
# their kernels need of the device, and the benchmark, whose contestants are several gigabytes:
# make gpu CONTESTANTS= leaves those out that are not installed.
CONTESTANTS ?= $(VENV)/.gpu
gpu: export NUMBA_ENABLE_CUDASIM = 0
gpu: $(VENV)/.test $(VENV)/.cuda
	@$(BIN)/python -c 'from adcompile.cuda.launch import check_device; check_device()'
	$(BIN)/python -m pytest -q tests/test_cuda*.py tests/test_gpu_benchmarks.py
	@command -v compute-sanitizer > /dev/null || echo "compute-sanitizer: not found, left out"
	@! command -v compute-sanitizer > /dev/null || for tool in memcheck racecheck synccheck; do \
		compute-sanitizer --tool $$tool --error-exitcode 9 \
			$(BIN)/python -m pytest -q tests/test_cuda*.py -k "$(SANITIZED)" || exit 1; \
	done
	$(BIN)/python -m tests.cuda_ptx
	test -z "$(CONTESTANTS)" || $(MAKE) $(CONTESTANTS)
	$(BIN)/python -m benchmarks.gpu --write
SANITIZED := (test_gradients or test_adjoints or launches) and not plain

bench: $(VENV)/.bench
	for name in lotka_volterra independent call_overhead cache_start vector_math; do \
		$(BIN)/python -m benchmarks.$$name || exit 1; \
	done
	$(BIN)/python -m benchmarks.arrays
	$(BIN)/python -m benchmarks.training_step

# One stamp per extra: installed once, and again when pyproject.toml changes.
$(VENV)/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$*]'
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "adcompile needs Python 3.11 or later: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) *.egg-info
