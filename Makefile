# make book        everything in the demo profile, then the book          (PROFILE=smoke|demo|full|paper)
# make test        all tests
# make record      the full profile, then the published record in book/experiments
# make reproduce   the same as book, for any PROFILE and OPTIONS ("--seeds 0 1 --backbones vit deit")
# make site        the book of the published record, in seconds, without executing anything
# make bench       how long the parts take on this machine
# make lock        requirements.in -> requirements.txt
# make clean       remove books and executed pages; the cache of data and runs stays
#
# Each makes the .venv it needs. PYTHON=/path/to/python chooses the interpreter, 3.11 to 3.13.

PROFILE ?= demo
OPTIONS ?=
PYTHON  ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.PHONY: book test record reproduce site bench lock clean venv
.DEFAULT_GOAL := book

book reproduce: .venv/.ready
	@$(BIN)/rvernet reproduce --profile $(PROFILE) $(OPTIONS)

test: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(OPTIONS)

record: .venv/.ready
	@$(BIN)/rvernet reproduce --profile full --record $(OPTIONS)

site: .venv/.ready
	@$(BIN)/rvernet book --from-record

bench: .venv/.ready
	@$(BIN)/python -m rvernet_book bench

venv: .venv/.ready

# The lock is complete and has the hash of every file, so pip resolves nothing and takes nothing else. --no-deps is
# needed all the same: grad-cam asks for a second OpenCV that would overwrite the headless one. What comes as source
# is built with the lock's own setuptools, installed first: in isolation pip would fetch another without a hash.
.venv/.ready: requirements.txt pyproject.toml
	@set -e; found=; \
	if ! [ -x $(BIN)/python ]; then \
	  for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
	    if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	      then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 found. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making .venv with $$("$$found" --version)"; \
	  "$$found" -m venv .venv || { rm -rf .venv; \
	    echo "$$found cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	fi
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@echo "Installing the locked packages into .venv (a few minutes the first time)"
	@sed -n '/^setuptools==/,/# via/p' requirements.txt > .venv/setuptools.txt
	@$(PIP) install --quiet --no-deps --require-hashes --only-binary :all: -r .venv/setuptools.txt
	@$(PIP) install --no-deps --require-hashes --no-build-isolation -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

lock: .venv/.ready
	@set -e; overrides=$$(mktemp); trap 'rm -f "$$overrides"' EXIT; \
	echo "opencv-python ; sys_platform == 'never'" > "$$overrides"; \
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --override "$$overrides" \
	  --custom-compile-command "make lock" requirements.in -o requirements.txt
	@echo "requirements.txt is up to date with requirements.in"

clean:
	rm -rf _build/html _build/.doctrees _build/jupyter_execute _build/.jupyter_cache
	rm -rf _build/smoke _build/demo _build/full _build/paper
