# Everything a person does in a checkout. `make help` lists it.

# The first Python that fits; another one: make setup PYTHON=/path/to/python3.12
PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
  if $$python -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; \
  then echo $$python; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.requirements-installed
PAGE := consumers/avatar/viewer/page/main.js
PAGE_PACKAGES := web/avatar/node_modules/.package-lock.json
PAGE_SOURCES := $(wildcard web/avatar/*.mjs web/avatar/*.json web/avatar/src/*.ts web/avatar/static/*)
# What ours is compared with, in the tests.
RIVAL := tests/consumers/avatar/kalidokit/node_modules/.package-lock.json
# Node and npm come with the requirements; npm starts node by name.
WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
ROOMS := keypoints kafka_io observability performers connect_runtime consumers producer_service local_stack demo proving holistic_cli
CHECKED := $(ROOMS) benchmarks deploy handbook requirements tests
# The files of tests that nothing may run beside, unless files are asked for: to look through all for ten takes long.
WITH_ALONE = $(if $(findstring tests/,$(ARGS)),,\
  $(shell grep --recursive --files-with-matches --include='test_*.py' mark.alone tests))
SOURCE ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-spark demo up down status check check-types check-rest format test test-fast test-long test-all soak bench headline scaling hour chaos dashboards docs docs-serve reference sbom audit fuzz bare-debian clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) $(PAGE) ## Install everything into .venv and build the avatars' page (again only when they change)

$(STAMP): requirements/all.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Holistic Stream runs on Python 3.11 or 3.12, and neither is on the PATH. \
	Install one of them (on Debian 12: apt-get install python3 python3-venv), \
	or name yours: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null || { \
	echo "Holistic Stream runs on Python 3.11 or 3.12, and $(PYTHON) is neither." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) cannot make virtual environments here. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
	-r requirements/all.txt
	@# pip would compile one file after another; like pip, without a word about what is no Python of this version.
	@$(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Ready: $(BIN)/holistic --help"

$(PAGE_PACKAGES): web/avatar/package.json web/avatar/package-lock.json | $(STAMP)
	cd web/avatar && $(WITH_NODE) npm ci --loglevel=error
	@touch $@

$(RIVAL): tests/consumers/avatar/kalidokit/package.json tests/consumers/avatar/kalidokit/package-lock.json | $(STAMP)
	cd tests/consumers/avatar/kalidokit && $(WITH_NODE) npm ci --loglevel=error
	@touch $@

$(PAGE): $(PAGE_SOURCES) $(PAGE_PACKAGES)
	cd web/avatar && $(WITH_NODE) npm run --silent build

setup-spark: $(STAMP) ## Install PySpark as well (430 MB), for the tests that ask Spark; it needs Java 17 or 21
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	-r requirements/spark-build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
	-r requirements/spark.txt

demo: $(STAMP) $(PAGE) ## A frame's whole journey, with real servers: make demo [SOURCE=video.mp4]
	$(BIN)/holistic demo $(SOURCE)

up: $(STAMP) $(PAGE) ## Start Kafka and Postgres here
	$(BIN)/holistic up

down: $(STAMP) ## Stop them; the data stay
	$(BIN)/holistic down

status: $(STAMP) ## Say how they are
	$(BIN)/holistic status

check: check-types check-rest ## Style, types and the direction of imports (with --jobs 2: types beside the rest)

check-types: $(STAMP)
	$(BIN)/mypy --strict $(CHECKED)

check-rest: $(STAMP) $(PAGE_PACKAGES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	cd web/avatar && $(WITH_NODE) npm run --silent check

format: $(STAMP) ## Put the code into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(STAMP) $(PAGE) $(RIVAL) ## The tests, on real servers
	$(BIN)/python -m pytest $(ARGS)

test-fast: $(STAMP) $(PAGE) $(RIVAL) ## The tests that need no server, no MediaPipe and no image
	$(BIN)/python -m pytest -m "not servers and not mediapipe and not images and not soak and not long" $(ARGS)

test-long: $(STAMP) $(PAGE) $(RIVAL) ## The longer tests of faults and replays, on real servers
	$(BIN)/python -m pytest -m "long and not soak" $(ARGS)

test-all: $(STAMP) $(PAGE) $(RIVAL) ## Both of them, two at a time, then those that nothing may run beside: what CI runs
	$(BIN)/python -m pytest -n 2 -m "not soak and not alone" $(ARGS); beside=$$?; \
	$(BIN)/python -m pytest -m "alone and not soak" $(ARGS) $(WITH_ALONE) && exit $$beside

soak: $(STAMP) $(PAGE) ## The tests that take a minute and more each, on real servers
	$(BIN)/python -m pytest -m soak $(ARGS)

bench: $(STAMP) ## Measure, and compare with what is promised
	$(BIN)/python -m benchmarks $(ARGS)

headline: $(STAMP) $(PAGE) ## 800 frames/s through all consumers at once, then as many as they hold; drawn and kept in build/runs
	@mkdir -p build/runs
	$(BIN)/holistic bench headline --picture build/headline.png --keep build/runs $(ARGS)

scaling: $(STAMP) $(PAGE) ## What replicas, partitions and streams cost a frame
	$(BIN)/holistic bench scaling --keep build/runs $(ARGS)

hour: $(STAMP) $(PAGE) ## An hour of the whole suite at 400 frames/s (35 GB of disk): is its memory flat, is all of it there once
	$(BIN)/holistic bench soak --keep build/runs $(ARGS)

chaos: $(STAMP) $(PAGE) ## Every fault in turn while the suite works, then an audit: make chaos [ARGS="--seed 7"]
	$(BIN)/holistic bench chaos $(ARGS)

dashboards: $(STAMP) ## Write Grafana's dashboards anew, from deploy/grafana
	$(BIN)/python deploy/grafana/build_dashboards.py

docs: $(STAMP) ## Build the manual's site into build/site
	$(BIN)/python -m handbook build

docs-serve: docs ## Show it at http://localhost:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site 8000

reference: $(STAMP) ## Write docs/reference from the code (the tables too where DATABASE_URL is set)
	$(BIN)/python -m handbook write

sbom: $(STAMP) ## What each image is made of, as CycloneDX, in build/sbom
	$(BIN)/python -m deploy.security.sbom

audit: $(STAMP) ## Ask the advisory service about every pin (needs its network; no part of CI)
	$(BIN)/python -m deploy.security.audit

fuzz: $(STAMP) ## Look for holes in a decoder: make fuzz TARGET=frames [SECONDS=60]
	$(BIN)/python -m tests.security.fuzz $(TARGET) --seconds $(or $(SECONDS),60)

bare-debian: ## In a bare Debian 12 (needs root and debootstrap): make demo, then make test
	tests/bare_debian.sh

clean: ## Remove .venv and everything that is made anew
	rm -rf $(VENV) web/avatar/node_modules tests/consumers/avatar/kalidokit/node_modules consumers/avatar/viewer/page build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
