#!/bin/sh
# Brings Pulumi and its plugins by one of two roads (docs/decisions/0005): the vendor's own programs, or builds from
# source where only package mirrors answer. .toolchain/road keeps which; ROAD=official or ROAD=mirror forces it.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"

ROAD_FILE=$TOOLS/road
RELEASES=${PULUMI_RELEASES_URL:-https://get.pulumi.com/releases/sdk}
SUMS=${PULUMI_SUMS_URL:-https://github.com/pulumi/pulumi/releases/download/v$PULUMI_VERSION/pulumi-$PULUMI_VERSION-checksums.txt}
PLUGINS='command:1.2.1 docker:5.2.0 random:4.21.4'
PLUGIN_SECONDS=300
PROGRAMS='pulumi pulumi-language-python pulumi-language-python-exec'
OFFICIAL=$TOOLS/official

remember() { # ROAD REASON
	printf '%s\n%s\n' "$1" "$2" >"$ROAD_FILE.new" && mv -f "$ROAD_FILE.new" "$ROAD_FILE"
}

reason() { sed -n 2p "$ROAD_FILE"; }

plugin_file() { # NAME:VERSION
	printf '%s/plugins/resource-%s-v%s/pulumi-resource-%s' "$PULUMI_HOME" "${1%:*}" "${1#*:}" "${1%:*}"
}

plugins_there() {
	for plugin in $PLUGINS; do
		[ -x "$(plugin_file "$plugin")" ] || return 1
	done
}

# --- The official road ---

architecture() {
	case $(uname -m) in
	x86_64) say x64 ;;
	aarch64) say arm64 ;;
	*) return 1 ;;
	esac
}

# from_path: takes over a Pulumi that the operator has, when it is of just this version and has its language host.
from_path() {
	found=$(command -v pulumi) && [ "$(pulumi version 2>/dev/null)" = "v$PULUMI_VERSION" ] || return 1
	folder=$(dirname -- "$(readlink -f "$found")")
	for program in $PROGRAMS; do
		cp -L "$folder/$program" "$1/" 2>/dev/null || return 1
	done
}

from_vendor() {
	archive=$TOOLS/pulumi.tar.gz
	file=pulumi-v$PULUMI_VERSION-linux-$(architecture) || {
		say "the vendor has no Pulumi for this processor" >"$TOOLS/fault"
		return 1
	}
	"$ROOT/.venv/bin/python" "$ROOT/toolchain/fetch.py" "$RELEASES/$file.tar.gz" "$SUMS" "$archive" \
		2>"$TOOLS/fault" || return 1
	tar -xzf "$archive" -C "$1" --strip-components=1 --wildcards 'pulumi/pulumi' 'pulumi/pulumi-language-python*' &&
		rm -f "$archive"
}

get_official() {
	rm -rf "$OFFICIAL.new" && mkdir -p "$OFFICIAL.new" || return 1
	: >"$TOOLS/fault"
	from_path "$OFFICIAL.new" || from_vendor "$OFFICIAL.new" || return 1
	if [ "$("$OFFICIAL.new/pulumi" version 2>/dev/null)" != "v$PULUMI_VERSION" ]; then
		say "the vendor's Pulumi does not run here" >"$TOOLS/fault"
		return 1
	fi
	rm -rf "$OFFICIAL" && mv "$OFFICIAL.new" "$OFFICIAL"
}

get_official_plugins() {
	for plugin in $PLUGINS; do
		timeout "$PLUGIN_SECONDS" "$OFFICIAL/pulumi" plugin install resource "${plugin%:*}" "${plugin#*:}" --reinstall || {
			say "the vendor's download server did not give the $plugin plugin" >"$TOOLS/fault"
			return 1
		}
	done
}

official() {
	sum=$(hash_of toolchain/pulumi.sh)
	if [ ! -x "$OFFICIAL/pulumi" ] || ! stamped official "$sum"; then
		long pulumi-official 30 "Fetching Pulumi $PULUMI_VERSION" get_official || return 1
		stamp official "$sum"
	fi
	if ! plugins_there || ! stamped plugins "official $sum"; then
		rm -f "$STAMPS/plugins"
		long plugins-official 30 "Fetching Pulumi's plugins" get_official_plugins || return 1
		stamp plugins "official $sum"
	fi
}

# --- The mirror-only road ---

# All are one program, whose file name tells which provider it is.
get_built_plugins() {
	for plugin in $PLUGINS; do
		program=$TOOLS/plugins/${plugin%:*}/pulumi-resource-${plugin%:*}
		mkdir -p "${program%/*}" && cp -lf "$TOOLS/plugins/docker/pulumi-resource-docker" "$program" || return 1
		"$TOOLS/bin/pulumi" plugin install resource "${plugin%:*}" "${plugin#*:}" --reinstall \
			--file "$TOOLS/plugins/${plugin%:*}" || return 1
	done
}

mirror() {
	"$ROOT/toolchain/build.sh"
	read_line "$STAMPS/build-providers"
	sum="mirror $line $(hash_of toolchain/pulumi.sh)"
	if ! plugins_there || ! stamped plugins "$sum"; then
		rm -f "$STAMPS/plugins"
		long plugins-mirror 2 "Installing our own providers" get_built_plugins ||
			fail "Our own providers could not be installed. Mend what the lines above say, and run \`make setup\` again."
		stamp plugins "$sum"
	fi
}

# keep_no_journal: beside what it shows, Pulumi writes down every step and property, and has no switch for that. It took
# half of the engine's time, and left more about a server on the operator's disk than anybody had asked for. Where its
# folder is none, Pulumi goes on without (pkg/logging/encrypted.go).
keep_no_journal() {
	[ -f "$PULUMI_HOME/logs" ] || { rm -rf "$PULUMI_HOME/logs" && mkdir -p "$PULUMI_HOME" && : >"$PULUMI_HOME/logs"; }
}

# --- Which of them ---

read_line "$ROAD_FILE"
road=$line
case ${ROAD:-$road} in
mirror)
	[ "$road" = mirror ] || remember mirror "it was asked for"
	;;
official | '')
	may_fail=yes # because there is another road
	if official; then
		[ "$road" = official ] || remember official ''
	else
		read_line "$TOOLS/fault"
		[ -z "${ROAD:-}" ] ||
			fail "The official road is closed: $line. Open it, or take the other with \`make setup ROAD=mirror\`."
		remember mirror "$line"
	fi
	may_fail=''
	;;
*) fail "ROAD is $ROAD, but it must be official or mirror." ;;
esac

read_line "$ROAD_FILE"
if [ "$line" = mirror ]; then
	say "Road: mirror-only, because $(reason)"
	mirror
else
	say "Road: official"
fi
keep_no_journal || fail "$PULUMI_HOME cannot be written to. Mend that, and run \`$AGAIN\` again."
say "Pulumi $PULUMI_VERSION with its plugins"
