# `make` or `make help` lists the targets. Everything that is missing is installed by the targets themselves.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=
BIN := node_modules/.bin
# Without its cache tsx leaves no file behind outside the checkout.
TSX := TSX_DISABLE_CACHE=1 node --import tsx
SOURCES := $(shell find src -name '*.ts' ! -name '*.test.ts' 2>/dev/null)

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

.PHONY: setup
setup: ## install the missing Debian packages and the npm packages
	@scripts/setup.sh packages
	@scripts/setup.sh modules

.PHONY: build
build: setup ## compile everything; then bin/wharfd, bin/dist and bin/ctr run from here
	@$(MAKE) native
	@$(MAKE) build/js/.done build/cli/.done
	@scripts/launchers.sh bin "$(CURDIR)"

.PHONY: native
native:
	@$(MAKE) -C native

build/js/.done: $(SOURCES) tsconfig.json tsconfig.build.json package-lock.json
	$(BIN)/tsc -p tsconfig.build.json
	@touch $@

build/cli/.done: $(SOURCES) scripts/bundle.ts package-lock.json
	$(TSX) scripts/bundle.ts
	@touch $@

.PHONY: check
check: setup ## format, lint, types, room boundaries, dead code, generated code
	$(BIN)/prettier --check --log-level warn .
	$(BIN)/tsc -p tsconfig.json
	$(BIN)/eslint .
	$(BIN)/depcruise --config .dependency-cruiser.cjs src test bench scripts
	$(BIN)/knip
	$(BIN)/buf lint
	scripts/gen.sh --check

.PHONY: gen
gen: setup ## generate src/gen from proto/
	@scripts/gen.sh

.PHONY: test
test: build ## build and run all tests (TEST="part of a path" chooses files)
	@$(TSX) scripts/test.ts $(TEST)

.PHONY: test-full
test-full: build ## all tests, the long ones at full size; writes docs/test-full.md
	@scripts/test-full.sh

.PHONY: fuzz
fuzz: setup ## feed random archives to the tar readers until stopped (SEED=n begins there, RUNS=n ends it)
	@$(TSX) test/fuzz/main.ts

.PHONY: coverage
coverage: build ## all tests, and which lines they reach: coverage/index.html
	@TSX_DISABLE_CACHE=1 $(BIN)/c8 --src src --reporter text-summary --reporter html node --import tsx scripts/test.ts

.PHONY: docs
docs: setup ## reference of the client library: build/docs/index.html
	$(BIN)/typedoc --tsconfig tsconfig.json --entryPoints src/client/index.ts --disableSources --treatWarningsAsErrors --validation.notExported false \
		--readme none --out build/docs

.PHONY: bench
bench: build ## side by side with Debian's containerd
	@$(TSX) bench/main.ts

.PHONY: demo
demo: build ## pull a real Redis image from a real registry and run it
	@$(TSX) scripts/demo.ts

.PHONY: install
install: build ## install below PREFIX (/usr/local) and DESTDIR
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" scripts/install.sh install

.PHONY: uninstall
uninstall: ## remove what install put there; images and containers stay
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" scripts/install.sh uninstall

.PHONY: clean
clean: ## remove build output
	rm -rf build bin/wharfd bin/dist bin/ctr coverage
