#!/bin/sh
# Builds Pulumi, its Python host and our own providers from source (docs/decisions/0001, 0002 and 0004) into
# .toolchain/bin and .toolchain/plugins. What is there already and whose sources are unchanged is left alone.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/go.sh
. "$ROOT/toolchain/go.sh"

BIN=$TOOLS/bin
PLUGINS=$TOOLS/plugins
CACHES=$TOOLS/go
DISK_NEEDED=5 # GB, for Go's caches and the programs
VERSION_FLAG="-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$PULUMI_VERSION"

# own_caches: on a machine without caches of Go's, its 4 GB go into a folder that ends with the build.
own_caches() {
	modules=$(GOTOOLCHAIN=local "$go" env GOMODCACHE)
	if [ ! -d "$modules/cache" ]; then
		export GOPATH="$CACHES" GOMODCACHE="$CACHES/mod" GOCACHE="$CACHES/build" GOFLAGS="$GOFLAGS -modcacherw"
	fi
}

# build FOLDER OUTPUT PACKAGE LINKER_FLAGS: to a temporary name, so that OUTPUT is never half a program.
build() {
	mkdir -p "${2%/*}" && cd "$ROOT/toolchain/$1" &&
		"$go" build -ldflags "-s -w $4" -o "$2.new" "$3" && mv -f "$2.new" "$2"
}

build_cli() { build cli "$BIN/pulumi" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "$VERSION_FLAG"; }

# Pulumi's own starter of Python programs comes out of the module that the host is built with.
build_host() {
	build languagehost "$BIN/pulumi-language-python" . '' &&
		module=$("$go" list -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3) &&
		install -m 0755 "$module/python/cmd/pulumi-language-python-exec" "$BIN/pulumi-language-python-exec.new" &&
		mv -f "$BIN/pulumi-language-python-exec.new" "$BIN/pulumi-language-python-exec"
}

# One program, whose file name tells which provider it is; Pulumi finds a plugin by a folder that holds just that.
build_providers() {
	build providers "$PLUGINS/random/pulumi-resource-random" . '' &&
		mkdir -p "$PLUGINS/docker" &&
		ln -f "$PLUGINS/random/pulumi-resource-random" "$PLUGINS/docker/pulumi-resource-docker"
}

# step NAME SECONDS WHAT OUTPUT SOURCE...: builds unless OUTPUT is there and came of these sources.
step() {
	name=$1 seconds=$2 what=$3 output=$4
	shift 4
	sum=$(hash_of toolchain/build.sh toolchain/go.sh "$@")
	if [ -x "$output" ] && stamped "build-$name" "$sum"; then return 0; fi
	if [ -z "${go:-}" ]; then
		free=$(df -Pk "$ROOT" | awk 'NR == 2 { print int($4 / 1048576) }')
		[ "$free" -ge "$DISK_NEEDED" ] ||
			fail "Only $free GB are free on the disk, but building Pulumi takes $DISK_NEEDED. Make room and run this again."
		want_go
		own_caches
	fi
	long "build-$name" "$seconds" "Building $what from source" "build_$name" ||
		fail "$what could not be built. Mend what the lines above say, and run \`make setup\` again."
	stamp "build-$name" "$sum"
}

cd "$ROOT"
step cli 240 "Pulumi $PULUMI_VERSION" "$BIN/pulumi" toolchain/cli/go.mod toolchain/cli/go.sum
step host 10 "its Python language host" "$BIN/pulumi-language-python-exec" toolchain/languagehost/*.go toolchain/languagehost/*.py toolchain/languagehost/go.*
step providers 10 "our own providers" "$PLUGINS/docker/pulumi-resource-docker" toolchain/providers/*.go toolchain/providers/go.*
# Go takes away the right to write from what it has fetched.
if [ -d "$CACHES" ]; then chmod -R u+w "$CACHES" && rm -rf "$CACHES"; fi
