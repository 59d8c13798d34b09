# Every target does all the set-up it needs, on a fresh machine too.
SHELL := /bin/bash
export PATH := $(PATH):/usr/local/go/bin
.DEFAULT_GOAL := help
.PHONY: eval fuzz e2e content-report calibrate help setup demo build test bench soak lint dist test-dist clean

PKG ?= ./...
BENCH ?= .
PASSAGES ?= 1000000

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## fetch the pinned parts, build bin/qiuzhen
	@scripts/setup

build: setup

demo: setup ## the tour: ten messages asked of the embedded content
	@bin/qiuzhen demo

test: setup ## vet, all tests with the race detector (PKG=./text/...)
	@scripts/test $(PKG)

fuzz: setup ## ten seconds of every fuzz target (PKG=./text/... FUZZ_SECONDS=60)
	@scripts/fuzz $(PKG)

eval: setup ## ask every case of the gate, hold what comes to the committed figures, write dist/eval/report.html (OUT=FOLDER AGAINST=RUN)
	@scripts/eval $(if $(OUT),--out $(OUT)) $(if $(AGAINST),--against $(AGAINST))

e2e: setup ## the real binary in real Chromium: every page through axe and an HTML validator (PICTURES=DIR)
	@scripts/e2e $(if $(PICTURES),--pictures $(abspath $(PICTURES)))

bench: setup ## benchmarks (PKG=./retrieval/... BENCH=Search)
	@go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 2h $(PKG)

soak: setup ## content out and in, deliveries and broadcasts under kill -9, simulated months, a million passages (PASSAGES=1000000): docs/benchmarks.md; hours, 12 GB
	@SOAK_CONTENT=1 go test -count=1 -run '^TestWholeContentKept$$' -timeout 1h ./cmd/qiuzhen
	@SOAK_CONVERSATIONS=1 go test -count=1 -run '^TestConformanceStored$$' -timeout 1h ./bot/wechat
	@SOAK_WECHAT=10000 go test -count=1 -v -run '^(TestDelivered3|TestKilled)$$' -timeout 1h ./bot/wechat
	@SOAK_WEB=10000 go test -count=1 -v -run '^(TestOnceEach|TestKilled)$$' -timeout 1h ./bot/web
	@SOAK_UPDATES=10000 go test -count=1 -v -run '^(TestOnceEach|TestKilled)$$' -timeout 1h ./bot/telegram
	@SOAK_RECIPIENTS=100000 go test -count=1 -v -run '^(TestKilled|TestPostgresKilled)$$' -timeout 3h ./broadcast
	@SOAK_PUSH=1000000 go test -count=1 -v -run '^TestPush$$' -timeout 6h ./broadcast
	@go test -run '^$$' -bench '^BenchmarkPush$$' -benchtime 1x -timeout 1h ./cmd/qiuzhen
	@SOAK_BUNDLE=10000 go test -count=1 -v -run '^TestMany$$' ./bundle
	@SOAK_SENSING=1 go test -count=1 -v -run '^TestSimulatedMonths$$' -timeout 2h ./sensing
	@SOAK_BUNDLE=10000 go test -count=1 -v -run '^TestBundleMany$$' -timeout 1h ./cmd/qiuzhen
	@SOAK_GUIDE=1 go test -count=1 -run '^TestGuideRuns$$' -timeout 1h ./cmd/qiuzhen
	@SOAK_PASSAGES=$(PASSAGES) go test -run '^$$' -bench '^BenchmarkSoak$$' -benchtime 1x -timeout 12h ./cmd/qiuzhen

content-report: setup ## lint the starter pack and count it by topic, verdict, group and region
	@bin/qiuzhen lint --report content

calibrate: setup ## fit the match scorer and the classifiers on the tune wordings again
	@bin/qiuzhen eval calibrate

lint: ## golangci-lint with .golangci.yml, and gofmt
	@scripts/lint

dist: setup ## one archive for machines without internet: dist/qiuzhen-VERSION-linux-x86_64.tar.gz
	@scripts/dist

test-dist: dist ## install that archive in an empty folder and run the demo without a network
	@scripts/test-dist

clean: ## remove what was built here (the runtime cache stays)
	@rm -rf bin dist
