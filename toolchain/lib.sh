# shellcheck shell=sh
# Shared by the scripts of this folder: words for the operator, stamps, long steps and root's rights. Sourced, never run.
# shellcheck disable=SC2034 # used by those who source it

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
TOOLS=$ROOT/.toolchain
STAMPS=$TOOLS/stamps
mkdir -p "$STAMPS"

# What a person runs once a fault is mended; another command where these scripts run on a host (toolchain/host.sh).
AGAIN=${STEALTH_VPN_AGAIN:-make setup}
PULUMI_VERSION=3.259.0
export PULUMI_HOME="$TOOLS/pulumi-home" PULUMI_SKIP_UPDATE_CHECK=true

say() { printf '%s\n' "$*"; }

# fail SENTENCE...: the fault and its fix, then the end.
fail() {
	printf 'Error: %s\n' "$*" >&2
	exit 1
}

# read_line FILE: its first line in $line, which is empty where there is none.
read_line() {
	line=''
	if [ -r "$1" ]; then read -r line <"$1" || true; fi
}

# hash_of FILE...: one sum over their contents and names.
hash_of() {
	sum=$(cd "$ROOT" && sha256sum -- "$@") || fail "$ROOT lacks a file of the toolchain. Run \`git checkout toolchain\`."
	printf '%s' "$sum" | sha256sum | cut -c 1-64
}

# stamped NAME SUM: whether step NAME was done with inputs of just this sum.
stamped() {
	read_line "$STAMPS/$1"
	[ "$line" = "$2" ]
}

# stamp NAME SUM: by a rename, so that an interruption leaves the old stamp or the new one.
stamp() {
	printf '%s\n' "$2" >"$STAMPS/$1.new" && mv -f "$STAMPS/$1.new" "$STAMPS/$1"
}

# end_tree PID: ends a process and those it started; a shell alone would leave a compiler working on unseen.
end_tree() {
	# shellcheck disable=SC2013 # the ids are words
	for child in $(cat "/proc/$1"/task/*/children 2>/dev/null); do end_tree "$child"; done
	kill "$1" 2>/dev/null || true
}

# long NAME SECONDS SENTENCE COMMAND...: runs a step that takes long, shows that it lives, and its last lines if it
# fails, unless $may_fail is set. All that it prints is kept in .toolchain/logs/NAME.log. A function given to it joins its
# commands by &&, because shells do not agree on whether set -e holds in there. (POSIX has no local variables, so: long_.)
long() {
	long_log=$TOOLS/logs/$1.log long_expected=$2 long_sentence=$3
	shift 3
	mkdir -p "$TOOLS/logs"
	say "$long_sentence (about $long_expected s) ..."
	long_began=$(date +%s)
	long_shown=15
	"$@" >"$long_log" 2>&1 </dev/null &
	long_pid=$!
	trap 'end_tree "$long_pid"; exit 130' INT TERM HUP
	while kill -0 "$long_pid" 2>/dev/null; do
		sleep 0.2
		long_waited=$(($(date +%s) - long_began))
		if [ "$long_waited" -ge "$long_shown" ]; then
			say "  ... $long_waited s"
			long_shown=$((long_waited + 15))
		fi
	done
	long_code=0
	wait "$long_pid" || long_code=$?
	trap - INT TERM HUP
	if [ "$long_code" -ne 0 ]; then
		if [ -z "${may_fail:-}" ]; then
			tail -n 15 "$long_log" >&2
			say "The whole log is $long_log" >&2
		fi
		return "$long_code"
	fi
	say "  done in $(($(date +%s) - long_began)) s"
}

# want_root WHAT: asks for sudo's password where one is needed, before a step that runs in the background.
want_root() {
	if [ "$(id -u)" -eq 0 ]; then return 0; fi
	command -v sudo >/dev/null 2>&1 ||
		fail "$1 needs root's rights, but sudo is not installed. Run \`$AGAIN\` once as root."
	if sudo -n true 2>/dev/null; then return 0; fi
	if [ ! -t 0 ]; then
		fail "$1 needs root's rights, but sudo wants a password and there is no terminal. Run \`$AGAIN\` in a terminal."
	fi
	say "$1 needs root's rights; sudo asks for your password."
	sudo -v || fail "$1 needs root's rights, but sudo refused. Run \`make setup\` as root or as a user whom sudo allows."
}

# as_root COMMAND...: after want_root. Never a question, because nobody sees it where output goes to a log.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n -- "$@"
	fi
}

# root_has COMMAND: whether root finds it; a user's PATH may lack the folders of the administrator.
root_has() { as_root sh -c "command -v $1" >/dev/null 2>&1; }
