# The two commands that set everything up: `make demo` and `make test`.
PYTHON ?= python3
# A plain "torch" would bring gigabytes of CUDA along; say TORCH=torch to have them.
TORCH ?= torch==2.13.0
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := build/demo
CHECK := build/check
JOBS ?= 2

.PHONY: demo test lint types support clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q "$(TORCH)"
	$(BIN)/python -m pip install -q -e ".[all,dev]"
	touch $@

# The main job on a checkpoint that a real Torch7 wrote, checked against Torch7's own numbers.
demo: $(VENV)/.installed
	mkdir -p $(DEMO)
	$(BIN)/t7convert to-pytorch --force fixtures/nets/sharesnet-basic/model.t7 $(DEMO)/out.pt
	$(BIN)/t7convert verify fixtures/nets/sharesnet-basic/model.t7 $(DEMO)/out.pt \
		--input fixtures/nets/sharesnet-basic/io.t7.xz --expected fixtures/nets/sharesnet-basic/io.t7.xz

# The tests run against the built package, in a folder that has no sources beside them.
test: $(VENV)/.installed
	rm -rf build/lib build/bdist* dist $(CHECK) && mkdir -p $(CHECK)
	$(BIN)/python -m build -q --wheel --no-isolation --outdir dist .
	$(BIN)/python -m pip install -q --force-reinstall --no-deps dist/*.whl
	cp -r tests fixtures docs benchmarks pyproject.toml Makefile README.md CONTRIBUTING.md CHANGELOG.md hubconf.py $(CHECK)
	if [ -d ../shared ]; then ln -sfn "$$(cd ../shared && pwd)" build/shared; fi
	cd $(CHECK) && OMP_NUM_THREADS=1 ../../$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS); \
		code=$$?; cd ../.. && $(BIN)/python -m pip install -q --no-deps -e . && exit $$code

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

# The table of supported classes, from the schema and the checks against Torch7.
support: $(VENV)/.installed
	$(BIN)/python -m tests.support

clean:
	rm -rf build dist $(VENV) *.egg-info
