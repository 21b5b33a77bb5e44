# make install | make test | make demo | make lint
VENV   := .venv
PY     := $(VENV)/bin/python
PYTHON ?= $(shell for p in python3 python3.11 python3.12; do \
            $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
# pip of the machine fills the environment: a Debian without python3-venv has no pip to put inside it
PIP    := $(PYTHON) -m pip --python $(PY) --disable-pip-version-check
OUT    ?= out/demo

.PHONY: install test demo lint clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Semblance needs Python 3.11 or 3.12; install one, or name it: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
# mediapipe asks for the OpenCV build with windows, which wants libGL, nudenet for the one without its extra modules: the
# one that has neither fault takes the place of both
	$(PIP) uninstall --quiet --yes opencv-contrib-python opencv-python-headless
	$(PIP) install --quiet --constraint constraints.txt --force-reinstall --no-deps opencv-contrib-python-headless
	touch $@

test: install
	$(PY) -m pytest -m "not slow and not gpu" -n auto --dist loadfile

demo: install
	$(VENV)/bin/semblance demo --out "$(OUT)" $(if $(QUICK),--quick)

lint: install
	$(VENV)/bin/ruff check semblance tests benchmarks scripts
	$(VENV)/bin/ruff format --check semblance tests benchmarks scripts

clean:
	rm -rf $(VENV) out
