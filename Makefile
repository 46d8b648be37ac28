# Every target sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
# Windows has its own names inside a virtual environment.
WINDOWS := $(filter Windows_NT,$(OS))
SCRIPTS := $(if $(WINDOWS),Scripts,bin)
BIN := $(VENV)/$(SCRIPTS)
INTERPRETER := $(BIN)/python$(if $(WINDOWS),.exe)
UV := $(shell command -v uv 2>/dev/null)
CREATE := $(if $(UV),uv venv --quiet --python $(PYTHON),$(PYTHON) -m venv)
# COMPILE= leaves the installed packages' modules to be compiled when they are imported, which is quicker where the
# environment is used once.
COMPILE ?= yes
INSTALL := $(if $(UV),uv pip install $(if $(COMPILE),--compile-bytecode) --python $(BIN)/python,$(BIN)/python -m pip install $(if $(COMPILE),,--no-compile)) --quiet

.PHONY: help compare test test-arrays harden mutants matrix examples bench bench-quick techniques peers peers-quick estimators page docs lint package types types-of-wheel clean

help:
	@echo "make compare   check every backend against the reference, then time them side by side"
	@echo "make test      the tests: compiled, then without the JIT under coverage"
	@echo "make test-arrays   the tests of the backends on PyTorch's and JAX's arrays, which it installs: 600 MB"
	@echo "make harden    the long versions of the tests that try to break samenet: hours; MINUTES=5 shortens the last"
	@echo "make mutants   300 small mistakes in the code, one at a time, which the tests must notice: half an hour; SEED=2 makes others"
	@echo "make matrix    the contract's tests on the oldest and newest versions, three Pythons, other processors: an hour"
	@echo "make examples  run the tutorials' experiments in full, write their tables and figures to docs/gallery"
	@echo "make bench     measure everything on an idle machine, write it and its report to results/"
	@echo "make bench-quick   a few cases into build/quick, as a smoke test"
	@echo "make techniques   what each technique of the Numba backend gains, turned off one by one, to results/: 8 minutes"
	@echo "make peers     PyTorch, JAX, scikit-learn, onnxruntime, FANN on the same cases and on 334 settings, to results/: an hour and a half"
	@echo "make estimators   accuracy, R2 and times of MLPClassifier and MLPRegressor beside scikit-learn's own, to results/: minutes"
	@echo "make peers-quick   a short run of the same, into build/peers, as a smoke test"
	@echo "make page      build/page/index.html: the report for a browser, with the history that asv recorded"
	@echo "make docs      build/site/index.html: the documentation as a site that works offline"
	@echo "make lint      ruff"
	@echo "make package   sdist and wheel, and a test of the wheel in an environment of its own"
	@echo "make types     mypy --strict on that installed wheel"
	@echo "make clean     remove everything that the other targets created"

$(INTERPRETER):
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("samenet needs Python 3.11 or newer, this is %d.%d; try: make PYTHON=python3.13" % v[:2])'
	@$(CREATE) $(VENV)

# An extra is installed once, and again when pyproject.toml changes. Several, separated by commas, are installed at once,
# and each of them is then installed.
COMMA := ,
$(VENV)/installed-%: pyproject.toml | $(INTERPRETER)
	@echo "installing samenet[$*] into $(VENV)"
	@$(INSTALL) -e ".[$*]"
	@touch $@ $(addprefix $(VENV)/installed-,$(subst $(COMMA), ,$*))

compare: $(VENV)/installed-cli,data,plot
	@$(BIN)/samenet compare

# The tests run twice. Coverage is measured in the second run, without the JIT, because the lines of compiled kernels
# cannot be traced. Tests marked `compiled`, which are too slow or no different without the JIT, run only in the first;
# tests marked `without_jit`, which run no kernel, run only in the second.
WORKERS ?= 2
PYTEST := pytest --numprocesses $(WORKERS) --dist worksteal
# Processes share what is compiled: Python's bytecode, even if the caller's environment disables it, and the kernels,
# which both workers would otherwise compile at the same time.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/installed-test
	NUMBA_CACHE_DIR=$(abspath .pytest_cache/d/numba) $(BIN)/python -m samenet warmup
	$(BIN)/python -m $(PYTEST) -m "not without_jit"
	$(BIN)/python -m coverage erase
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m coverage run -m $(PYTEST) -m "not compiled"
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# PyTorch is installed without CUDA, from the index that its contender of `make peers` uses; then the rest of the two
# extras.
$(VENV)/installed-arrays: $(VENV)/installed-test benchmarks/contenders/pytorch.py
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m benchmarks peers --install --only PyTorch
	@$(INSTALL) -e ".[torch,jax]"
	@touch $@

test-arrays: $(VENV)/installed-arrays
	$(BIN)/python -m $(PYTEST) tests/test_array_backends.py

SEED ?= 1
MINUTES ?= 60
harden: $(VENV)/installed-test
	$(BIN)/python tests/hardening/hostile_calls.py --calls 100000 --seed $(SEED)
	$(BIN)/python tests/hardening/lives.py --lives 1000 --seed $(SEED)
	$(BIN)/python tests/hardening/arrays_in_sequence.py --processes 20 --calls 2000 --seed $(SEED)
	$(BIN)/python tests/hardening/guard_pages.py --sizes 1 70 --rows 1 40 --seed $(SEED)
	$(BIN)/python tests/hardening/guarded_heap.py --sizes 1 40 --rows 1 24 --seed $(SEED)
	$(BIN)/python tests/hardening/random_networks.py --networks 10000 --seed $(SEED) --exact 10000
	$(BIN)/python tests/hardening/gradient_check.py --calls 300 --seed $(SEED)
	$(BIN)/python tests/hardening/mutated_files.py --files 10000 --seed $(SEED)
	$(BIN)/python tests/hardening/killed.py --moments 100 --seed $(SEED)
	$(BIN)/python tests/hardening/interrupts.py --moments 50 --seed $(SEED)
	$(BIN)/python tests/hardening/threads.py --minutes $(MINUTES) --seed $(SEED)

mutants: $(VENV)/installed-test
	$(BIN)/python tests/hardening/mutants.py --sample 300 --seed $(SEED)

# It creates its own environments outside the tree, and does not use .venv.
matrix:
	$(PYTHON) -m benchmarks matrix $(ARGUMENTS)

examples: $(VENV)/installed-cli,data,plot
	$(BIN)/samenet examples --gallery docs/gallery --force

# The machine's name in asv's history, which is not the host name.
MACHINE = $(shell $(BIN)/python -m benchmarks run --name)
ASV = $(BIN)/python -m asv
# Each round takes at least half a millisecond, so that calls of 1 to 2 us are not timed one at a time.
TIMED = --benchmark-enable --benchmark-warmup=on --benchmark-warmup-iterations=1000 \
	--benchmark-min-time=0.0005 --benchmark-max-time=0.3

# `run` measures ratios, with interleaved contenders; the two suites time each contender separately. asv measures the
# newest commit in a virtual environment of its own, so that the result can be added to its history.
bench: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks run
	$(BIN)/python -m benchmarks report
	mkdir -p build
	$(BIN)/python -m pytest benchmarks/pytest $(TIMED) --benchmark-json=build/pytest-benchmark.json
	$(ASV) machine --machine $(MACHINE) --yes
	$(ASV) run --machine $(MACHINE) HEAD^!

bench-quick: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks run --quick --into build/quick
	$(BIN)/python -m pytest benchmarks/pytest $(TIMED) -k "3-3-1 and one-sample"

techniques: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks techniques
	$(BIN)/python -m benchmarks report

# pip installs the other libraries, which each contender's file lists. Environments made by uv lack pip, so install it
# first.
$(VENV)/installed-peers: $(VENV)/installed-data,plot $(wildcard benchmarks/contenders/*.py)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m benchmarks peers --install
	@touch $@

peers: $(VENV)/installed-peers
	$(BIN)/python -m benchmarks peers
	$(BIN)/python -m benchmarks report

estimators: $(VENV)/installed-bench
	@$(INSTALL) "statsmodels>=0.14"
	$(BIN)/python -m benchmarks estimators
	$(BIN)/python -m benchmarks report

peers-quick: $(VENV)/installed-peers
	$(BIN)/python -m benchmarks peers --quick --into build/peers

page: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks report --page build/page

# Warnings, such as a dead link, are errors. --fresh-env reads all pages again, because Sphinx warns only about pages
# that it reads. The source is the repository's root, so that the same links work in the repository and on the site.
docs: $(VENV)/installed-docs
	$(BIN)/python -m sphinx --builder html --conf-dir docs/_site --fresh-env --fail-on-warning --keep-going --quiet . build/site
	@echo "build/site/index.html"

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

WHEEL := $(abspath build)/wheel
TOOL := $(abspath build)/tool
SOURCE := build/source

# It needs nothing from .venv, so that it can run while that is set up. `build` is outside the environment in which the
# wheel is tested, beside what pyproject.toml requires for building, which `build` checks: it need not create an
# environment for the sdist and another for the wheel. It gets a copy of the sources, because an installation of the
# sources writes the same metadata.
package:
	rm -rf dist $(WHEEL) $(TOOL) $(SOURCE)
	mkdir -p $(SOURCE)
	tar -cf - --exclude='./.?*' --exclude=./build --exclude='./*.egg-info' . | tar -xf - -C $(SOURCE)
	$(PYTHON) -m venv $(WHEEL)
	$(WHEEL)/$(SCRIPTS)/python -m pip install --quiet --no-compile --target $(TOOL) "build>=1.2" "setuptools>=77"
	PYTHONPATH=$(TOOL) $(WHEEL)/$(SCRIPTS)/python -m build --no-isolation --outdir dist $(SOURCE)
	for wheel in dist/samenet-*.whl; do $(WHEEL)/$(SCRIPTS)/python -m pip install --quiet --no-compile "$$wheel[cli]"; done
	cd $(WHEEL) && $(SCRIPTS)/samenet compare --sizes 3-3-1

types: package
	$(MAKE) types-of-wheel

# Of the wheel that `make package` installed last.
types-of-wheel: $(VENV)/installed-dev
	cd $(WHEEL) && $(abspath $(BIN))/python -m mypy --config-file $(abspath pyproject.toml) --python-executable $(SCRIPTS)/python -p samenet
	cd $(WHEEL) && $(abspath $(BIN))/python -m mypy --config-file $(abspath pyproject.toml) --python-executable $(SCRIPTS)/python $(abspath tests/types_of_names.py)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
