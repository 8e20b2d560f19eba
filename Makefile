# Every target is one line of real work; `make test` is what .ci/run calls.
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup lint test test-quick pulumi-cli

setup: $(VENV)/.ready

$(VENV)/.ready: requirements-dev.txt
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --only-binary :all: -r requirements-dev.txt
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	sh -n .ci/run

test-quick: setup
	$(BIN)/pytest -q

test: lint test-quick

# The Pulumi CLI from source, for machines that reach only a Go module proxy (docs/decisions/0001).
pulumi-cli: .toolchain/bin/pulumi

.toolchain/bin/pulumi: toolchain/cli/go.mod toolchain/cli/go.sum
	cd toolchain/cli && CGO_ENABLED=0 go build -mod=readonly -trimpath \
	  -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0" \
	  -o $(CURDIR)/$@ github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
