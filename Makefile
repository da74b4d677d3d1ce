# Two commands: `make run` starts LinkMesh from this checkout, `make test` checks everything that CI checks.
# Both set up what they need by themselves (.dev/setup). The finer targets below are their parts.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

HTTP ?= 127.0.0.1:8080
DATA ?= data
CARGO ?= cargo
FUZZ ?= $(notdir $(basename $(wildcard tests/fuzz/targets/*.rs)))
FUZZ_SECONDS ?= 60
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Where the tests leave the names of what they could not check because a tool is missing (never under CI=true).
export LINKMESH_SKIPPED := $(abspath $(TARGET))/skipped

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# --- the two commands ------------------------------------------------------------------------------------------------

.PHONY: run
run: setup-run page ## build page and server, start on $(HTTP) with the data directory ./$(DATA); prints the setup link
	@$(CARGO) build --locked --release --bin linkmesh
	@exec $(TARGET)/release/linkmesh serve --data-dir "$(DATA)" --http "$(HTTP)"

.PHONY: test
test: setup-test ## everything that CI checks
	@rm -f "$(LINKMESH_SKIPPED)"
	@$(MAKE) --no-print-directory fmt
	@$(MAKE) --no-print-directory page
	@$(MAKE) --no-print-directory lint deny
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory kit node
	@$(MAKE) --no-print-directory integration
	@if [ -s "$(LINKMESH_SKIPPED)" ]; then echo "skipped:"; sort -u "$(LINKMESH_SKIPPED)" | sed 's/^/  /'; fi

# --- set-up ----------------------------------------------------------------------------------------------------------

.PHONY: setup-run setup-test setup-kit setup-node
setup-run: ## what `make run` needs
	@.dev/setup run
setup-test: ## what `make test` needs
	@.dev/setup test
setup-kit setup-node:
	@.dev/setup $(@:setup-%=%)

# --- building --------------------------------------------------------------------------------------------------------

.PHONY: page
page: ## the page, compiled to WebAssembly and precompressed for embedding
	@$(CARGO) run --locked --quiet -p linkmesh-frontend-bundle

.PHONY: build
build: page ## page and server, optimised
	@$(CARGO) build --locked --release --bin linkmesh

# --- checking --------------------------------------------------------------------------------------------------------

.PHONY: fmt
fmt: ## formatting; of the catalogue by its files, since the compiler finds them by listing its folders
	@$(CARGO) fmt --all --check
	@rustfmt --edition 2024 --check actors/src/catalog/*/*.rs actors/fixtures/catalog/*/*.rs
	@$(CARGO) fmt --check --manifest-path tests/fuzz/Cargo.toml

.PHONY: lint
lint: ## clippy, warnings count; what crosses a wire, whole, for browsers; the lock file of the fuzz targets
	@$(CARGO) update --locked --workspace --quiet --manifest-path tests/fuzz/Cargo.toml
	@$(CARGO) clippy --locked --workspace --all-targets --quiet -- -D warnings
	@$(CARGO) run --locked --quiet -p linkmesh-frontend-bundle -- --check-proto

.PHONY: deny
deny: ## licences, bans and sources of what we link, on every platform
	@$$(.dev/cargo-deny) --locked --config .deny.toml check bans licenses sources

.PHONY: advisories
advisories: ## known holes in what we link (needs github.com; not a part of `make test`: it changes from day to day)
	@$$(.dev/cargo-deny) --locked --config .deny.toml check advisories

.PHONY: unit
unit: ## tests of the crates, the page's view models on the host among them
	@$(CARGO) test --locked --quiet --workspace --lib --bins
	@$(CARGO) test --locked --quiet --workspace --doc

.PHONY: integration
integration: ## server, real collectors, other people's clients, browser (needs `make page kit node`)
	@$(CARGO) test --locked --test integration

.PHONY: kit
kit: setup-kit ## the real collectors of the tests, built once into a cache outside the checkout
	@tests/interop/kit/build.sh

.PHONY: node
node: setup-node ## other people's JavaScript clients
	@cd tests/node && if [ ! -d node_modules ] || [ package-lock.json -nt node_modules ]; then npm ci --no-audit --no-fund --silent && touch node_modules; fi

.PHONY: fuzz
fuzz: setup-run ## each fuzz target, or those of FUZZ, for FUZZ_SECONDS (60); what it finds is left in tests/fuzz/artifacts
	@cd tests/fuzz && $(CARGO) build --locked --release --quiet --all-features --bins
	@cd tests/fuzz && for target in $(FUZZ); do \
	  mkdir -p "corpus/$$target" artifacts; echo "fuzz: $$target"; \
	  "$${CARGO_TARGET_DIR:-target}/$$(rustc --print host-tuple)/release/$$target" -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	    -print_final_stats=1 -verbosity=0 -artifact_prefix="artifacts/$$target-" "corpus/$$target" "seeds/$$target"; \
	done

.PHONY: bench
bench: setup-run ## what rendering, validating and recomputing a fleet cost, without server and network
	@$(CARGO) bench --locked --quiet -p linkmesh-actors --features testing --bench computing

.PHONY: load
load: setup-run page ## simulated fleets against an optimised server; prints the table of the README
	@$(CARGO) build --locked --release -p linkmesh -p linkmesh-loadtest --bins
	@$(TARGET)/release/linkmesh-loadtest --server $(TARGET)/release/linkmesh $(LOAD)

.PHONY: clean
clean: ## what was built in this checkout
	@$(CARGO) clean
	@rm -rf frontend/dist tests/node/node_modules tests/fuzz/target
