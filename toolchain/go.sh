# shellcheck shell=sh
# Finds or installs Go for what is built from source. Sourced after lib.sh.

# The version that is built with; an older Go fetches it from the module proxy (https://go.dev/doc/toolchain).
export GOTOOLCHAIN=go1.26.8+auto CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false"
export GOWORK=off

# go_new_enough COMMAND: 1.21 was the first that fetches another one.
go_new_enough() {
	version=$(GOTOOLCHAIN=local "$1" version 2>/dev/null) || return 1
	version=${version#go version go1.}
	[ "${version%%[!0-9]*}" -ge 21 ] 2>/dev/null
}

find_go() {
	for go in go /usr/bin/go /usr/local/go/bin/go; do
		if go_new_enough "$go"; then return 0; fi
	done
	return 1
}

# want_go: leaves the command in $go.
want_go() {
	find_go && return 0
	# shellcheck source=toolchain/apt.sh
	. "$ROOT/toolchain/apt.sh"
	want_apt "Go 1.21 or newer"
	long go-install 60 "Installing Go" apt_install_newer golang-go ||
		fail "Go could not be installed. Mend what the lines above say, and run \`make setup\` again."
	find_go || fail "Go is older than 1.21 even after its installation. Put a newer \`go\` first in PATH."
}
