# Every target is one line of real work; `make test` is what .ci/run calls.
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(CURDIR)/.toolchain/bin

# Our own Go. A tool that a go.mod names is no package of that module, so ./... is our code alone.
GO_MODULES := toolchain/languagehost toolchain/providers images/probe images/xray images/caddy images/wireguard

.PHONY: setup lint test test-quick test-go test-integration pulumi plugins

setup: $(VENV)/.ready

$(VENV)/.ready: requirements-dev.txt
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --only-binary :all: -r requirements-dev.txt
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	sh -n .ci/run
	$(BIN)/hadolint --config images/.hadolint.yaml images/*/Dockerfile
	$(foreach module,$(GO_MODULES),(cd $(module) && test -z "$$(gofmt -l .)" && go vet ./...) &&) true

test-quick: setup
	$(BIN)/pytest -q

test-go:
	cd toolchain/providers && go test ./...
	cd images/probe && go test ./...
	cd images/xray && go test ./...

test-integration: setup pulumi plugins
	$(BIN)/pytest -q -m integration

test: lint test-quick test-go test-integration

# Pulumi from source, for machines that reach only a Go module proxy (docs/decisions/0001 and 0002).
pulumi: $(TOOLS)/pulumi $(TOOLS)/pulumi-language-python $(TOOLS)/pulumi-language-python-exec

$(TOOLS)/pulumi: toolchain/cli/go.mod toolchain/cli/go.sum
	@echo "Building the Pulumi CLI from source; about 5 minutes on 2 cores from a cold cache."
	cd toolchain/cli && CGO_ENABLED=0 go build -mod=readonly -trimpath \
	  -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0" \
	  -o $@ github.com/pulumi/pulumi/pkg/v3/cmd/pulumi

$(TOOLS)/pulumi-language-python: $(wildcard toolchain/languagehost/*.go) toolchain/languagehost/go.mod toolchain/languagehost/go.sum
	cd toolchain/languagehost && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w" -o $@ .

# Pulumi's own starter of Python programs, out of the module that the host is built with.
$(TOOLS)/pulumi-language-python-exec: $(TOOLS)/pulumi-language-python
	cd toolchain/languagehost && install -m 0644 \
	  "$$(go list -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3)/python/cmd/pulumi-language-python-exec" $@

# Our own providers (docs/decisions/0004); Pulumi finds a plugin by a folder that holds its one program.
plugins: .toolchain/plugins/random/pulumi-resource-random

.toolchain/plugins/random/pulumi-resource-random: $(wildcard toolchain/providers/*.go) toolchain/providers/go.sum
	cd toolchain/providers && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w" -o $(CURDIR)/$@ .
