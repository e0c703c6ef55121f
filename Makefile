# The commands of the project. Each installs and builds what it needs, and only that: a second call
# with nothing new is quiet. The work is in scripts/, CMake and pip; this file says what follows what.

SHELL := /bin/bash
PYTHON_ENV := .venv/bin
# What the Python package is made of; a change in one of these installs it anew.
PACKAGE_SOURCES := CMakeLists.txt pyproject.toml \
  $(shell find cmake dtypes engine include kernels python bench/stridecast_bench -type f -not -name '*.pyc')

# Compilations are shared between the build folders, and between clones of the tree.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test cxx-test python-test sanitize tsan fuzz fuzz-briefly arm-test bench \
  bench-check bench-kernels bench-targets bench-tools docs format lint tidy package wheel deps browser clean

help: ## lists these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: package ## converts the weights of a real model to bfloat16, checks every bit, times it
	@$(PYTHON_ENV)/python examples/model_to_bfloat16.py

test: cxx-test python-test $(if $(CI),sanitize fuzz-briefly) ## builds and runs every test (with CI set: also sanitizers, a minute of fuzzing)

cxx-test: deps ## the C++ tests
	@scripts/build.sh dev
	@ctest --preset dev -j 2 > build/dev/ctest.log 2>&1 \
	  || { cat build/dev/ctest.log; exit 1; }
	@tail -n 4 build/dev/ctest.log

python-test: package $(if $(CI),browser) ## the Python tests
	@$(PYTHON_ENV)/python --version
	@$(PYTHON_ENV)/python -m pytest -q tests

sanitize: deps ## the C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/build.sh asan-ubsan
	@ctest --preset asan-ubsan -j 2 > build/asan-ubsan/ctest.log 2>&1 \
	  || { cat build/asan-ubsan/ctest.log; exit 1; }
	@tail -n 4 build/asan-ubsan/ctest.log

tsan: deps ## the C++ tests under ThreadSanitizer (needs clang and libomp-dev)
	@scripts/build.sh tsan
	@ctest --preset tsan

arm-test: ## the C++ tests on 64-bit Arm, in an emulator (needs a cross compiler and qemu: scripts/arm-test.sh)
	@scripts/arm-test.sh

FUZZ_SECONDS ?= 600
fuzz: deps ## random format texts and plans under the sanitizers (needs clang): FUZZ_SECONDS=600
	@scripts/fuzz.sh $(FUZZ_SECONDS)

fuzz-briefly: deps
	@scripts/fuzz.sh 60 --if-possible

PROFILE ?= quick
STREAMS = "$$(ls build/bench/bench/libstridecast_bench.* | head -n 1)"
bench: bench-tools ## compares with other libraries and with the machine, and draws it: PROFILE=quick
	@.venv-bench/bin/stridecast bench --library $(STREAMS) --profile $(PROFILE) --output build/bench-report

bench-check: bench-tools ## what became faster or slower than bench/baseline.json says, beyond noise
	@scripts/bench-check.sh $(STREAMS)

bench-tools: deps
	@scripts/bench-env.sh
	@$(MAKE) --silent --no-print-directory .venv-bench/.package
	@scripts/build.sh bench stridecast_bench

bench-kernels: package ## runs the benchmarks of every kernel family
	@scripts/build.sh bench
	@for binary in build/bench/bench/bench_*; do \
	  if [ -x $$binary ] && [ -f $$binary ]; then $$binary || exit 1; fi; done

PART ?= all
bench-targets: bench-tools ## measures the rows of bench/targets.toml, all of them or PART=1, and tables what is known
	@.venv-bench/bin/python bench/bench_targets.py --part $(PART) --json build/targets
	@.venv-bench/bin/python bench/bench_targets.py --table build/targets/part-*.json

DOCS_SOURCES := scripts/docs.sh $(shell find docs include -type f -not -name '*.pyc')
docs: package ## builds the site of guides and reference
	@$(MAKE) --silent --no-print-directory build/docs/html/.done
	@echo build/docs/html/index.html

build/docs/html/.done: .venv/.package $(DOCS_SOURCES)
	@scripts/docs.sh
	@touch $@

format: deps ## formats C++ and Python in place
	@git ls-files --cached --others --exclude-standard '*.cc' '*.h' | xargs clang-format -i
	@$(PYTHON_ENV)/ruff check --quiet --fix .
	@$(PYTHON_ENV)/ruff format --quiet .

lint: deps ## checks format and style, changes nothing
	@scripts/lint.sh

tidy: deps ## lint, and clang-tidy (takes minutes)
	@scripts/build.sh dev
	@scripts/lint.sh --tidy

clean: ## removes what was built; keeps .venv and the downloads in .cache
	@rm -rf build

wheel: deps ## builds, audits and tests the wheel and the sdist (takes minutes): WHEEL_PYTHONS="python3.11 python3.13"
	@scripts/check-wheel.sh $(WHEEL_PYTHONS)

# Puts the Python package into .venv, if it is not there as it is in the tree.
package: deps
	@$(MAKE) --silent --no-print-directory .venv/.package

# The same for the environment of the benchmarks, whose Python may be another. The compiler by the name
# that the other builds give it, not by Python's: ccache knows their objects then.
.venv/.package .venv-bench/.package: $(PACKAGE_SOURCES)
	@echo "package: installing into $(@D)"
	@mkdir -p build
	@CC=$${CC:-cc} CXX=$${CXX:-c++} $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
	  --no-deps --force-reinstall -C build-dir=build/python$(patsubst .venv%,%,$(@D)) \
	  -C cmake.define.STRIDECAST_WERROR=ON -C cmake.define.STRIDECAST_STATIC_DEPS=OFF . > build/package.log 2>&1 \
	  || { cat build/package.log; exit 1; }
	@$(@D)/bin/python -c 'import stridecast'
	@touch $@

deps:
	@scripts/install-deps.sh

browser: deps
	@scripts/install-browser.sh
