#!/bin/sh
# Brings all that a deployment needs onto this machine, step by step. Usage: setup.sh [runtime|dev|python]
# It may be interrupted and run again at any point; what is there is kept.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/docker.sh
. "$ROOT/toolchain/docker.sh"

# Two runs at once would build into the same files. The lock goes with the last process that has it.
exec 9>"$TOOLS/lock"
if ! flock -n 9; then
	say "Another setup, or a step of an interrupted one, is still running; waiting for it ..."
	flock -w 1800 9 || fail "Another setup has been running for 30 minutes. End it, and run \`make setup\` again."
fi

# lacks_tools: whether something must surely be installed, so that the question for the password comes first.
lacks_tools() {
	if ! command -v python3 >/dev/null 2>&1 || [ ! -S "$SOCKET" ]; then return 0; fi
	! may_use_socket && ! in_docker_group
}

if [ "$(id -u)" -ne 0 ] && lacks_tools; then
	want_root "Setting up this machine"
	# sudo forgets a password after some minutes, and the builds take longer.
	(while kill -0 $$ 2>/dev/null && sudo -n -v; do sleep 50; done) >/dev/null 2>&1 </dev/null 9>&- &
	keeper=$!
	trap 'end_tree "$keeper"' EXIT
fi

cd "$ROOT"
read_line "$STAMPS/apt.working"
if [ -n "$line" ]; then
	# shellcheck source=toolchain/apt.sh
	. "$ROOT/toolchain/apt.sh"
	want_apt "what an interrupted setup left half installed"
	# If that fails, the steps below find out what is still missing.
	# shellcheck disable=SC2086 # packages are words
	may_fail=yes long apt-repair 20 "Ending an interrupted installation" apt_install $line || true
	rm -f "$APT_WORKING"
fi
toolchain/python.sh "${1:-runtime}"
if [ "${1:-runtime}" = python ]; then exit; fi # all that install.sh needs to ask its questions
toolchain/pulumi.sh
toolchain/engine.sh
toolchain/base.sh
if [ "${1:-runtime}" = dev ]; then toolchain/dev.sh; fi
