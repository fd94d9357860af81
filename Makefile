# Every target sets up what is missing first.
CASES ?= ../shared/parity
VICHA = .build/release/vicha
SOURCES = Package.swift Sources Tests Benchmarks Fuzzing

.PHONY: setup build demo test parity lint format

setup:
	@scripts/bootstrap

build: setup
	swift build -c release --product vicha

demo: build
	$(VICHA) demo --output-dir output/demo

test: setup
	swift test --parallel

parity: build
	$(VICHA) parity $(CASES)

lint:
	swift format lint --strict --parallel --recursive $(SOURCES)

format:
	swift format --in-place --parallel --recursive $(SOURCES)
