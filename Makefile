# What people type in a checkout. Needs Go and a POSIX shell; everything else is
# fetched by what needs it, into $(CACHE), outside the checkout.

GO       ?= go
CACHE    ?= $(shell printf %s "$${EYE_TEST_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/theeye}")
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

# In the order of imports. Three stand apart, with dependencies of their own, and are
# built without the workspace: deploy/check, which checks the rest, test/duckdb, whose
# foreign reader of the Parquet files needs cgo, and test/sdks, with the SDKs of others.
MODULES  := shared clients/go collector processor queryapi standalone theeye test
CHECK    := deploy/check
DUCKDB   := test/duckdb
SDKS     := test/sdks
PACKAGES := $(MODULES:%=./%/...)
# What the race detector watches: everything but the tests that start built programs, and
# of that the packages with concurrency in their code or tests, found by these words.
# Models and random schedules run a part of their cases then (shared/raced).
RACED    := $(filter-out test,$(MODULES)) test/analytics
RACING   := (^|[[:space:]])go (func|[a-zA-Z_.]+[(])|"sync|\bchan\b|[.](Go|Parallel)[(]|errgroup|httptest|natstest
COMMANDS := ./collector/cmd/collector ./processor/cmd/processor ./queryapi/cmd/queryapi ./theeye
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

DAEMON   := github.com/theeye/theeye/shared/daemon
LDFLAGS  := -X $(DAEMON).version=$(VERSION) -X $(DAEMON).commit=$(COMMIT)

GOLANGCI_VERSION := 2.15.0
GOLANGCI := $(CACHE)/golangci-lint-$(GOLANGCI_VERSION)/golangci-lint

# Arguments for one run: make test TESTFLAGS='-run Cursor', make fuzz FUZZTIME=5m.
TESTFLAGS  ?=
BENCH      ?= .
BENCHFLAGS ?=
FUZZTIME   ?= 50000x
KILLS      ?= 1000

MONGO   := deploy/test-mongo.sh
SUBMAKE := $(MAKE) --no-print-directory
export GO

.DEFAULT_GOAL := help
.PHONY: help run build test test-here python node sdks race race-here lint check duckdb bench bench-here bench-duckdb soak bench-10m fuzz chaos mongo cross tidy-check vendor-check js js-check ui ui-check screenshots

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 19

run: build ## build and start everything in one process, for development
	@exec bin/theeye up --dev

build: ## bin/collector bin/processor bin/queryapi bin/theeye
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(COMMANDS)

test: ## the whole suite, with a MongoDB of its own and a Chromium
	@deploy/need-cc.sh
	@$(MONGO) run -- $(SUBMAKE) test-here

# Needs EYE_TEST_MONGO_URI.
test-here:
	@chromium=$$(deploy/test-chromium.sh) || exit 1; export EYE_TEST_CHROMIUM=$$chromium; \
	$(GO) test -timeout 15m $(TESTFLAGS) $(PACKAGES); suite=$$?; \
	$(SUBMAKE) check duckdb python node sdks && [ $$suite -eq 0 ] && echo 'make test: everything passed'

race: ## the suite under the race detector, but for the tests of whole programs
	@deploy/need-cc.sh
	@$(MONGO) run -- $(SUBMAKE) race-here

# GORACE: each test binary would sleep for a second before it exits. Without vet, which
# `make test` and the linters run.
race-here:
	@folders=$$(grep -rlE --include='*.go' '$(RACING)' $(RACED) | sed 's#/[^/]*$$##; s#^#./#' | sort -u); \
	tested=$$(for folder in $$folders; do ls $$folder/*_test.go >/dev/null 2>&1 && echo $$folder; done); \
	GORACE=$${GORACE:-atexit_sleep_ms=0} CGO_ENABLED=1 $(GO) test -race -vet=off -timeout 15m $(TESTFLAGS) $$tested

python: ## only the tests of the Python client, and its types where mypy is installed
	@python=$$(deploy/test-python.sh) || exit 1; cd clients/python && $$python -m unittest discover -s tests -t . && \
	if command -v mypy >/dev/null; then mypy; else echo 'mypy is not installed: the types of clients/python are not checked' >&2; fi

node: ## only the tests of the JavaScript client, under Node
	@node=$$(deploy/test-node.sh) || exit 1; cd clients/js && $$node --test test/*.test.mjs

sdks: ## only the tests of the SDKs of others, in Go, under Node and in a page: unmodified, against The Eye
	@chromium=$$(deploy/test-chromium.sh) && sdks=$$(deploy/test-sdks.sh) || exit 1; \
	cd $(SDKS) && GOWORK=off EYE_TEST_CHROMIUM=$$chromium EYE_TEST_SDKS=$$sdks $(GO) test -timeout 15m ./...

check: ## only the checks of the project as a whole: deployment, modules, documents
	@cd $(CHECK) && GOWORK=off $(GO) test -timeout 15m ./...

duckdb: ## only the check that DuckDB reads the Parquet files as Go does
	@cd $(DUCKDB) && GOWORK=off CGO_ENABLED=1 $(GO) test -timeout 15m ./...

lint: $(GOLANGCI) ## linters, over every module
	$(GOLANGCI) run $(PACKAGES)
	cd $(CHECK) && GOWORK=off $(GOLANGCI) run --config $(CURDIR)/.golangci.yml ./...
	cd $(DUCKDB) && GOWORK=off $(GOLANGCI) run --config $(CURDIR)/.golangci.yml ./...
	cd $(SDKS) && GOWORK=off $(GOLANGCI) run --config $(CURDIR)/.golangci.yml ./...

$(GOLANGCI):
	cd / && GOWORK=off GOFLAGS= CGO_ENABLED=0 GOBIN=$(@D) \
		$(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_VERSION)

bench: ## benchmarks, with a MongoDB that syncs every commit
	@EYE_TEST_MONGO_DURABLE=1 $(MONGO) run -- $(SUBMAKE) bench-here

bench-here:
	@chromium=$$(deploy/test-chromium.sh) || exit 1; export EYE_TEST_CHROMIUM=$$chromium; \
	folders=$$(grep -rl --include='*_test.go' '^func Benchmark' $(MODULES) | sed 's#/[^/]*$$##; s#^#./#' | sort -u); \
	$(GO) test -p 1 -run '^$$' -bench '$(BENCH)' -timeout 2h $(BENCHFLAGS) $$folders

bench-duckdb: ## statistics against DuckDB over the same files, with a million and with ten million events
	@cd $(DUCKDB) && GOWORK=off CGO_ENABLED=1 $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 2h $(BENCHFLAGS) .

soak: ## ten minutes of theeye up at its full rate: memory each minute, and the latency of its answers
	@cd test && $(GO) test ./bench -tags long -run '^$$' -bench '^BenchmarkSoak$$' -benchtime 1x -timeout 1h -v $(BENCHFLAGS)

bench-10m: ## theeye up with ten million events: its write rate, and how soon it starts (needs 30 GB in TMPDIR)
	@cd test && $(GO) test ./bench -tags long -run '^$$' -bench '^BenchmarkTenMillion$$' -benchtime 1x -timeout 4h -v $(BENCHFLAGS)

fuzz: ## every fuzz target FUZZTIME (50000x: so many inputs; or 5m)
	@$(MONGO) run -- deploy/fuzz.sh $(FUZZTIME) $(MODULES)

chaos: ## KILLS (1000) kills of collector, NATS, processor and single binary under load, power cuts (as root), storms and scenarios of replays, schedules of statistics
	@cd test && EYE_CHAOS_KILLS=$(KILLS) ../$(MONGO) run -- \
		$(GO) test ./chaos -tags powercut -run 'Chaos|PowerCut' -count 1 -timeout 8h -v && \
		EYE_CHAOS_KILLS=$$(($(KILLS) / 5)) ../$(MONGO) run -- \
		$(GO) test ./replays -tags scenarios -run 'Storm|Scenarios' -count 1 -timeout 4h -v && \
		EYE_ORACLE_SCHEDULES=$$(($(KILLS) * 20)) EYE_ORACLE_SEED=$$(date +%s) ../$(MONGO) run -- \
		$(GO) test ./analytics -run Oracle -count 1 -timeout 4h -v

mongo: ## start a MongoDB for tests that stays, and print its URI
	@$(MONGO) start
	@echo 'export it as EYE_TEST_MONGO_URI; $(MONGO) stop ends it' >&2

# Trimmed as `build` does, so that one compiles for the other.
cross: ## compile every module for every platform
	@for platform in $(PLATFORMS); do \
		echo "== $$platform"; \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0 $(GO) build -trimpath $(PACKAGES) || exit 1; \
	done

tidy-check: ## every module builds alone and its go.mod is tidy
	@for module in $(MODULES) $(CHECK) $(DUCKDB) $(SDKS); do \
		echo "== $$module"; \
		(cd $$module && GOWORK=off $(GO) build -o /dev/null ./... && GOWORK=off $(GO) mod tidy -diff) || exit 1; \
	done

vendor-check: ## compare the vendored files with the packages they are of; needs npm
	@deploy/vendor-swagger.sh

js: ## build the browser script and the JavaScript client from their sources; needs node and npm
	@deploy/build-js.sh --write

js-check: ## type-check the browser script and the JavaScript client, build them again and compare; needs node and npm
	@deploy/build-js.sh

ui: ## build the files of the web UI from its sources; needs node and npm
	@deploy/ui.sh --write

ui-check: ## type-check and test the web UI, build it again and compare; needs node and npm
	@deploy/ui.sh

screenshots: ## make the pictures of the README again, from the events of `theeye demo`
	@chromium=$$(deploy/test-chromium.sh) || exit 1; cd test && EYE_TEST_CHROMIUM=$$chromium \
		EYE_TEST_PICTURES=$(CURDIR)/docs/pictures $(GO) test ./ui -count 1 -run '^TestPictures$$'
