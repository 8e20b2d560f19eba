# Every target is one line of real work; `make test` is what .ci/run calls.
BIN := .venv/bin
RUN := toolchain/run.sh

# The Go that everything is built and checked with; an older one fetches it.
export GOTOOLCHAIN := go1.26.8+auto
# Our own Go. A tool that a go.mod names is no package of that module, so ./... is our code alone.
GO_MODULES := toolchain/languagehost toolchain/providers images/builder/agent images/builder/probe images/builder/egress \
  images/xray images/trojan images/singbox images/caddy images/wireguard images/tunnel tests/e2e/clients/visitor tests/e2e/clients/forger
SHELL_SCRIPTS := install.sh $(wildcard scripts/* toolchain/*.sh tests/integration/*.sh tests/admin/postgresql/*.sh tests/e2e/host/*.sh) toolchain/ssh/ssh .ci/run
DOCKERFILES := $(wildcard images/*/Dockerfile admin/Dockerfile tests/e2e/*/Dockerfile tests/admin/*/Dockerfile)

# The shell's own USER is whoever works here, and nobody's VPN user.
NAMED = $(if $(filter command,$(origin USER)),,$(error say whom, as in `make $@ USER=alice`))

# Checked by actionlint and zizmor.
WORKFLOWS := $(wildcard $(CURDIR)/.github/workflows/*.yml)

.PHONY: help install up preview status health logs stop start restart rebuild build validate clean cleanup doctor down probe verify drift backup restore update rollback rotate add-user list-users remove-user setup setup-dev base-refresh lint test test-quick test-go test-integration test-long test-bare reliability translations bench-deploy bench-data bench-policies bench-growth bench-scale
.PHONY: ci-credentials ci-wipe ci-preview ci-no-preview ci-deploy ci-e2e ci-approved ci-drift ci-rebuild ci-dependencies ci-propose

help:
	@sed -n 's/^## //p' Makefile

## make install       makes this machine a server: checks it, asks, sets up firewall and Docker, and starts; docs/install.md
install:
	@./install.sh

## make up            brings the server to what the configuration says; sets up the machine first
up: setup
	@$(RUN) $(BIN)/python -m ops up

## make preview       shows what `make up` would change
preview: setup
	@$(RUN) $(BIN)/python -m ops preview

## make down          takes the server down
down: setup
	@$(RUN) $(BIN)/python -m ops down

## make status        shows what runs, and says in one line whether all is well
status: setup
	@$(RUN) $(BIN)/python -m ops status

## make health        runs each service's own check now
health: setup
	@$(RUN) $(BIN)/python -m ops health

## make stop          stops all services; they stay stopped until make start
stop: setup
	@$(RUN) $(BIN)/python -m ops stop

## make start         starts them, and waits until they are healthy
start: setup
	@$(RUN) $(BIN)/python -m ops start

## make restart       restarts all that are not stopped, and waits until they are healthy
restart: setup
	@$(RUN) $(BIN)/python -m ops restart

## make rebuild       builds each image anew, without the cache, and replaces the services; minutes
rebuild: setup
	@$(RUN) $(BIN)/python -m ops rebuild

## make build         builds the images whose sources changed, and leaves all that runs as it is
build: setup
	@$(RUN) $(BIN)/python -m ops build

## make validate      checks the configuration as a deploy would, and changes nothing
validate: setup
	@$(RUN) $(BIN)/python -m ops validate

## make clean         removes former images, ended containers and the cache of builds; asks first
clean cleanup: setup
	@$(RUN) $(BIN)/python -m ops cleanup

## make doctor        looks for what is wrong with the server and its machine, and names what mends it
doctor: setup
	@$(RUN) $(BIN)/python -m ops doctor

## make logs          shows what the services said last; make logs-xray that of one
logs: setup
	@$(RUN) $(BIN)/python -m ops logs

logs-%: setup
	@$(RUN) $(BIN)/python -m ops logs $*

## make probe         looks at the server as a censor would, and scores it
probe: setup
	@$(RUN) $(BIN)/python -m ops probe

## make verify        compares what runs with what was promised; fails on any difference
verify: setup
	@$(RUN) $(BIN)/python -m ops verify

## make drift         shows what was changed outside the code since the deploy; scripts/ops drift --heal brings it back
drift: setup
	@$(RUN) $(BIN)/python -m ops drift

## make backup        backs the whole server up, encrypted, while it runs
backup: setup
	@$(RUN) $(BIN)/python -m ops backup

## make rotate        lists every secret with its age; make rotate SECRET=websocket-path gives it another value
rotate: setup
	@$(RUN) $(BIN)/python -m ops rotate $(if $(SECRET),"$$SECRET")

## make restore       puts a server back on an empty machine: make restore FILE=latest, or FILE=PLACE
restore: setup
	@$(if $(FILE),,$(error say which, as in `make restore FILE=latest`))$(RUN) $(BIN)/python -m ops restore "$$FILE"

## make update        brings the server to the newest version, one service at a time; back by itself if anything fails
update: setup
	@$(RUN) $(BIN)/python -m ops update

## make rollback      goes back to what ran before the last update; make rollback FILE=latest to what a backup holds
rollback: setup
	@$(RUN) $(BIN)/python -m ops rollback $(if $(FILE),"$$FILE")

## make add-user      adds USER and prints their link: make add-user USER=alice
add-user: setup
	@$(NAMED)$(RUN) $(BIN)/python -m ops users add "$$USER"

## make list-users    lists those who may use the server
list-users: setup
	@$(RUN) $(BIN)/python -m ops users list

## make remove-user   removes USER for good: make remove-user USER=alice
remove-user: setup
	@$(NAMED)$(RUN) $(BIN)/python -m ops users delete --yes "$$USER"

## make setup         brings Python, Pulumi, Docker and the base image; ROAD=official or ROAD=mirror forces a road
setup:
	@toolchain/setup.sh

## make base-refresh  makes the base image anew, with today's security fixes
base-refresh: setup
	@toolchain/base.sh refresh

## make setup-dev     brings also what tests need
setup-dev:
	@toolchain/setup.sh dev

## make lint          style, types, shell, Go, Dockerfiles and workflows
lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/shellcheck --external-sources $(SHELL_SCRIPTS)
	$(BIN)/hadolint --config images/.hadolint.yaml $(DOCKERFILES)
	go -C toolchain/actionlint tool actionlint -shellcheck $(CURDIR)/$(BIN)/shellcheck -pyflakes= $(WORKFLOWS)
	$(BIN)/zizmor --quiet --offline --no-progress --persona pedantic .github
	$(foreach module,$(GO_MODULES),(cd $(module) && test -z "$$(gofmt -l .)" && go vet ./...) &&) true

## make test-quick    unit tests, a few seconds
test-quick: setup-dev
	$(BIN)/pytest -q --numprocesses 2

test-go: setup-dev
	$(foreach module,$(GO_MODULES),(cd $(module) && go test ./...) &&) true

test-integration: setup-dev
	$(BIN)/pytest -q -m "integration and not long" --numprocesses 2 --durations 20 tests/admin
	$(BIN)/python -m tests.e2e.machines -q -m "integration and not long" --durations 40 tests/e2e tests/integration

## make test-long     repeats what depends on chance many times, and does in all ways what make test does in one; hours
test-long: setup-dev
	$(BIN)/pytest -q -s -m long

## make reliability   makes the experiments of the scorecard, and says which promises held; an hour at most
reliability: setup-dev
	$(BIN)/python -m tests.reliability

## make test-bare     sets up a bare Debian 12 in a container; many minutes
test-bare: setup-dev
	$(BIN)/pytest -q -s -m bare

## make translations  brings the panel's catalogs up to its texts, and says what is left to translate
translations: setup-dev
	$(BIN)/python -m toolchain.translations

## make bench-deploy  times a deploy beside Docker Compose of the same containers
bench-deploy: setup-dev
	$(BIN)/python -m benchmarks.deploy

## make bench-policies times an update with nothing to do, with the policies and without
bench-policies: setup-dev
	$(BIN)/python -m benchmarks.policies

## make bench-growth  measures what each further host costs a preview and an update, with engines that are played
bench-growth: setup-dev
	$(BIN)/python -m benchmarks.growth

## make bench-scale   measures up to where one panel with PostgreSQL serves a fleet; half an hour
bench-scale: setup-dev
	PYTHONPATH=admin $(BIN)/python -m benchmarks.scale

## make bench-data    measures each protocol's speed and what it costs the server; about ten minutes
bench-data: setup-dev
	$(BIN)/python -m benchmarks.data

# The steps of a delivery pipeline, in its order; docs/pipelines.md says what each wants. They are for machines, and so
# are not in `make help`. STACK names the server.
ci-credentials:
	@scripts/ci-credentials.sh write

ci-wipe:
	@scripts/ci-credentials.sh wipe

ci-preview: setup
	@$(RUN) $(BIN)/python -m ops.ci preview

ci-no-preview:
	@echo "This pull request comes from a fork, which gets no secrets; so what it would change on staging was not looked at."

ci-deploy: setup
	@$(RUN) $(BIN)/python -m ops.ci deploy

ci-e2e: setup
	@$(RUN) $(BIN)/python -m ops.ci e2e

ci-approved:
	@git log -1 --format='Approved for production: %h %s'

ci-drift: setup
	@$(RUN) $(BIN)/python -m ops.ci drift

ci-rebuild: base-refresh
	@$(RUN) $(BIN)/python -m ops.ci rebuild

ci-dependencies: setup-dev
	@$(RUN) $(BIN)/python -m ops.ci dependencies

ci-propose:
	@scripts/ci-propose.sh

## make test          all of these but test-long and test-bare
test: lint test-quick test-go test-integration
