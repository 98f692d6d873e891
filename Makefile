# The commands of this project. Each can be run again at any time; each installs what it lacks and says so.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# `make run CONFIG=debug` compiles in a third of the time and serves a few viewers just as well.
CONFIG ?= release
# `make fuzz T=60s` gives each target a minute.
T ?= 60s
# `make test E2E="-k whip"` narrows the end-to-end tests.
E2E ?=
# Arguments for the program: `make run ARGS="--http-port 9000"`.
ARGS ?=

# A warning stops our own builds, never those of a user with a newer compiler.
export MARTLET_WARNINGS_AS_ERRORS := 1

SWIFT_SOURCES := Sources signaling Tests web Package.swift $(wildcard Fuzz Benchmarks)

.PHONY: help
help: ## this list
	@echo "Martlet: RTMP and WHIP in, WebRTC out."
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/' | \
	  while IFS=$$'\t' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

.PHONY: run
run: deps packages ## builds, then publishes a moving test picture and prints the page to open
	@scripts/web-vendor.sh || echo "== Going on without hls.js: HLS plays only where the browser itself can."
	@scripts/progress.sh "Building ($(CONFIG)); the first time takes several minutes" \
	  swift build -c $(CONFIG) --product martlet
	@exec env -u MARTLET_WARNINGS_AS_ERRORS .build/$(CONFIG)/martlet demo $(ARGS)

.PHONY: build
build: deps packages web-vendor ## the optimised program, .build/release/martlet
	@scripts/progress.sh "Building (release); the first time takes many minutes" swift build -c release --product martlet
	@ls -l .build/release/martlet

.PHONY: test
test: deps test-deps packages venv web-vendor ## everything that must be green: format, boundaries, units, sanitizers, real clients
	@scripts/test.sh $(E2E)

.PHONY: e2e
e2e: deps test-deps packages venv web-vendor ## only the end-to-end tests, with real encoders, players and browsers
	@scripts/progress.sh "Building (debug)" swift build --product martlet
	@cd Tests/EndToEnd && ../../.venv/bin/pytest $(E2E)

.PHONY: soak
soak: deps test-deps packages venv web-vendor ## what takes long: 10,000 joins, lip sync over minutes, AV1, long fuzzing, load
	@scripts/soak.sh $(E2E)

.PHONY: bench
bench: deps test-deps ## measures the media core
	@scripts/bench.sh

.PHONY: fuzz
fuzz: deps ## fuzzes each parser of untrusted bytes for T (60s)
	@scripts/fuzz.sh $(T)

.PHONY: web-vendor
web-vendor: ## fetches hls.js, which the pages use where WebRTC does not get through
	@scripts/web-vendor.sh

.PHONY: format
format: ## formats all Swift sources
	@swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

.PHONY: lint
lint: ## checks format and documentation comments, and that no page has an inline script
	@scripts/lint.sh $(SWIFT_SOURCES)

.PHONY: hooks
hooks: ## a git hook that formats and lints what is committed
	@scripts/install-hooks.sh

.PHONY: clean
clean: ## removes everything that was built or downloaded into this directory
	rm -rf .build .build-* .venv Tests/EndToEnd/.work web/vendor/*.gz

# What the other targets need

.PHONY: deps
deps:
	@scripts/install-dependencies.sh run

.PHONY: test-deps
test-deps:
	@scripts/install-dependencies.sh test

.PHONY: packages
packages:
	@scripts/retry.sh "Fetching Swift packages" swift package resolve

.PHONY: venv
venv:
	@scripts/make-venv.sh
