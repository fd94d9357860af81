# Every target sets up what is missing first.
CASES ?= ../shared/parity
VICHA = .build/release/vicha
SOURCES = Package.swift Sources Tests Benchmarks Fuzzing Examples

.PHONY: setup build demo test examples docs parity lint format

setup:
	@scripts/bootstrap

build: setup
	swift build -c release --product vicha

demo: build
	$(VICHA) demo --output-dir output/demo

test: setup
	swift test --parallel

examples: setup
	swift build --product vicha
	scripts/examples

docs: setup
	scripts/docs

parity: build
	$(VICHA) parity $(CASES)

lint:
	swift format lint --strict --parallel --recursive $(SOURCES)

format:
	swift format --in-place --parallel --recursive $(SOURCES)
