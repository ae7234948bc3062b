# The commands of this project; `make help` lists them. CI runs .ci/run, which calls these.

GO ?= go

# Tools and Kafka's jars are cached outside of the tree. integration/harness looks in the same folder.
export REPLAYD_TEST_TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/replayd-test
BIN := $(REPLAYD_TEST_TOOLS)/bin

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0
VERSITYGW     := github.com/versity/versitygw/cmd/versitygw@v1.8.0
TOOLS         := $(GOLANGCI_LINT) $(GOFUMPT) $(VERSITYGW)
GORELEASER    := github.com/goreleaser/goreleaser/v2@v2.15.1

# A tool's stamp carries its version, so that a new version is built and an old one is not built twice.
stamp = $(BIN)/.$(notdir $(1))

export KAFKA_VERSION := $(shell sed -n 's/^const kafkaVersion = "\(.*\)"$$/\1/p' integration/harness/tools.go)
JARS := $(REPLAYD_TEST_TOOLS)/kafka-$(KAFKA_VERSION)

# Everything under integration needs equipment, except the two packages that do not.
FREE := ./integration/imports ./integration/ledger/...
unit_packages = $(filter-out replayd/integration replayd/integration/%,$(shell $(GO) list ./...)) $(FREE)
integration_packages = $(filter-out replayd/integration/imports replayd/integration/ledger%,$(shell $(GO) list ./integration/...))

FUZZTIME ?= 5s

# What a release is built for, and what it calls itself.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
VERSION   ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)

.PHONY: help
help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "make %-18s %s\n", $$1, $$2 }'

.PHONY: test
test: equipment ## everything this machine can test; the last line says what that was
	@REPLAYD_TEST_LEDGER=$$(mktemp) && export REPLAYD_TEST_LEDGER && failed= && \
	if $(MAKE) --no-print-directory unit; then printf 'tested\tunit\t\n' >>"$$REPLAYD_TEST_LEDGER"; else failed=-failed; fi; \
	$(MAKE) --no-print-directory integration || failed=-failed; \
	$(GO) run ./integration/ledger/tested $$failed "$$REPLAYD_TEST_LEDGER"

# Four packages at a time on two cores: those that speak to a fake of Kafka mostly wait.
.PHONY: unit
unit: ## tests that need only Go, and gcc for the race detector
	$(GO) test -race -p 4 $(unit_packages)
	cd deploy/kubernetes && $(GO) test ./...

# One package after another, three tests at a time: brokers share the processors with everything else, and tests of daemons
# mostly wait. The race detector watches the unit tests; here the work is done by programs of their own.
.PHONY: integration
integration: ## tests on real Kafka and real S3
	$(GO) test -count=1 -p 1 -parallel 3 -timeout 45m $(integration_packages)

.PHONY: kills
kills: ## kill a replay 1,000 times; CI does it 50 times
	$(GO) test -count=1 -timeout 3h -run TestKilledAtAnyInstant -v ./integration -kills 1000 -seed $$(date +%s)

.PHONY: oracle
oracle: ## replay 2,000 generated archives and compare with the oracle; CI takes 96
	$(GO) test -count=1 -timeout 1h ./replay -seeds 2000

.PHONY: daemon-kills
daemon-kills: ## kill either of two daemons with ten replays 50 times, some eight minutes; CI does it 6 times
	$(GO) test -count=1 -timeout 1h -run TestOfTwoDaemonsEitherIsKilledAtRandom -v ./integration -daemon-kills 50 -seed $$(date +%s)

.PHONY: memory
memory: ## read an hour of 3,000 overlapping objects, 28.8 GB, in 1 GiB and in 512 MiB; 16 GiB of disk, some ten minutes
	$(GO) test -count=1 -timeout 3h -run TestMemoryOfAnHourOfOverlappingObjects -v ./integration -memory-objects 3000 -memory-lines 9600

.PHONY: flake
flake: ## ten runs of the unit tests in random order
	$(GO) test -race -count=10 -shuffle=on -timeout 60m $(unit_packages)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (5s)
	@grep -rn --include='*_test.go' '^func Fuzz' . | sed 's/^\(.*\)\/[^/]*:[0-9]*:func \(Fuzz[A-Za-z0-9_]*\).*/\1 \2/' | \
	while read -r folder target; do \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$folder" || exit 1; \
	done

# Twenty minutes on two cores; benchstat wants six runs for an interval.
BENCH_ROUNDS ?= 6
BENCH_EVENTS ?= 1000000

.PHONY: bench
bench: equipment ## measure replayd beside the least programs that could do its work: docs/performance.md's tables, into dist, too
	$(GO) test -count=1 -timeout 1h -run '^TestTable$$' ./integration/bench -full -rounds $(BENCH_ROUNDS) -events $(BENCH_EVENTS) -out $(CURDIR)/dist $(BENCH_FLAGS)
	@cat dist/performance.md

.PHONY: latency
latency: ## how long the daemon's answers take beside 20 replays of 500 events a second, and beside none
	$(GO) test -count=1 -timeout 30m -run '^TestLatencyOfTheAPI$$' -v ./integration -latency-rounds 5 -latency-for 20s -latency-most 5

.PHONY: soak
soak: ## replay 100 hours of archive, and see that memory does not grow
	$(GO) test -count=1 -timeout 1h -run '^TestSoak$$' -v ./integration/bench -soak-hours 100 -soak-events 20000

.PHONY: lint
lint: $(call stamp,$(GOLANGCI_LINT)) $(call stamp,$(GOFUMPT)) ## formatting, linters, and that it builds elsewhere
	@unformatted=$$($(BIN)/gofumpt -l .) && if [ -n "$$unformatted" ]; then \
		echo "not formatted (make fmt):" $$unformatted; exit 1; fi
	$(BIN)/golangci-lint run ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$(GO) mod tidy -diff
	cd deploy/kubernetes && $(GO) mod tidy -diff

.PHONY: fmt
fmt: $(call stamp,$(GOFUMPT)) ## format all code
	$(BIN)/gofumpt -w .

.PHONY: man
man: ## write the manual pages, docs/man, as the program's commands and flags are now
	$(GO) test -count=1 -run '^TestManualPagesAreThoseOfTheProgram$$' ./cmd/replayd -write-man

.PHONY: tools
tools: $(foreach tool,$(TOOLS),$(call stamp,$(tool))) ## build the pinned linters and the S3 server into the cache

$(BIN)/.%:
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install $(filter %/$*,$(TOOLS))
	@touch $@

.PHONY: build
build: $(PLATFORMS:%=build/%) ## build the program for all PLATFORMS into dist

# timetzdata puts the time zones into the program: Windows and bare images have none.
build/%:
	CGO_ENABLED=0 GOOS=$(*D) GOARCH=$(*F) $(GO) build -trimpath -tags timetzdata -ldflags '-s -w -X main.release=$(VERSION)' \
		-o dist/replayd-$(VERSION)-$(*D)-$(*F)$(if $(filter windows,$(*D)),.exe) ./cmd/replayd

.PHONY: snapshot
snapshot: $(BIN)/.goreleaser@$(lastword $(subst @, ,$(GORELEASER))) ## build the archives of a release into dist; the first time also goreleaser, which takes minutes
	$(BIN)/goreleaser release --snapshot --clean

$(BIN)/.goreleaser@%:
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install $(GORELEASER)
	@touch $@

.PHONY: image
image: ## build the image replayd by the Dockerfile (needs docker)
	docker build --build-arg VERSION=$(VERSION) -t replayd .

.PHONY: kafka-jars
kafka-jars: ## fetch Kafka from Maven Central into the cache (needs mvn)
	@integration/kafka-image/jars.sh $(JARS)

.PHONY: kafka-image
kafka-image: ## pull apache/kafka, or build its stand-in where that cannot be
	@docker image inspect apache/kafka:$(KAFKA_VERSION) replayd-test/kafka:$(KAFKA_VERSION) 2>/dev/null | grep -q Id || \
	docker pull -q apache/kafka:$(KAFKA_VERSION) || \
	{ $(MAKE) --no-print-directory kafka-jars && integration/kafka-image/build.sh $(JARS); }

# What can be fetched without asking anything of the machine. What cannot is left out by the tests, with the reason.
.PHONY: equipment
equipment:
	@$(MAKE) -s --no-print-directory $(call stamp,$(VERSITYGW)) || echo "going on without versitygw"
	@if command -v mvn >/dev/null && command -v java >/dev/null; then \
		$(MAKE) -s --no-print-directory kafka-jars || echo "going on without Kafka's jars"; fi
