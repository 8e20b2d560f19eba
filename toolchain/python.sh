#!/bin/sh
# Brings Python 3.11 or newer and fills .venv from hash-pinned requirements. Usage: python.sh [runtime|dev]
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"

VENV=$ROOT/.venv
WORKING=$STAMPS/venv.working # stands while .venv is being changed

case ${1:-runtime} in
dev) requirements='requirements-dev.txt' ;;
*) requirements='requirements.txt' ;;
esac

# new_enough COMMAND: with the module that makes virtual environments, which Debian packages apart.
new_enough() {
	"$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# find_python: the first that is good enough, by its real path, because a wrapper may choose another one tomorrow.
find_python() {
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
		if new_enough "$candidate"; then
			"$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
			return
		fi
	done
	return 1
}

install_python() {
	# shellcheck source=toolchain/apt.sh
	. "$ROOT/toolchain/apt.sh"
	found=$(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null) || found=none
	want_apt "Python 3.11 or newer with venv (found: $found)"
	long python-install 30 "Installing Python" apt_install python3 python3-venv ||
		fail "Python could not be installed. Mend what the lines above say, and run \`make setup\` again."
	python=$(find_python) ||
		fail "Python 3.11 or newer with venv was not found even after its installation. Put a newer python3 first in PATH."
}

# inputs: what .venv depends on. A python that has vanished or moved on gives another sum.
inputs() { printf '%s %s' "$(hash_of "$requirements")" "$(readlink -f "$VENV/bin/python" || true)"; }

intact() { [ ! -e "$WORKING" ] && [ -x "$VENV/bin/python" ] && stamped "venv-$requirements" "$(inputs)"; }

# usable: whether .venv can be filled up; one that an interruption or another Python left behind is made anew.
usable() {
	[ ! -e "$WORKING" ] && [ -x "$VENV/bin/python" ] &&
		case $(readlink -f "$VENV/bin/python") in
		"$python") "$VENV/bin/python" -m pip --version >/dev/null 2>&1 ;;
		*) return 1 ;;
		esac
}

fill() {
	# A network may have a certificate authority of its own, which the machine knows and pip's own list does not.
	if [ -r /etc/ssl/certs/ca-certificates.crt ]; then
		export PIP_CERT="${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}"
	fi
	# pip compiles bytecode; without it each run of Pulumi is 0.6 s slower.
	"$VENV/bin/python" -m pip install --disable-pip-version-check --require-hashes --only-binary :all: --compile \
		--retries 5 --timeout 30 --requirement "$ROOT/$requirements"
}

if ! intact; then
	python=$(find_python) || install_python
	remake=''
	usable || remake=yes
	: >"$WORKING"
	if [ -n "$remake" ]; then
		rm -rf "$VENV" "$STAMPS"/venv-requirements*
		"$python" -m venv "$VENV" || fail "$VENV could not be made with $python. Is the disk full?"
	fi
	long "python-${1:-runtime}" 30 "Installing Python packages" fill ||
		fail "The Python packages could not be installed. Mend what the lines above say, and run \`make setup\` again."
	rm -f "$WORKING"
	stamp "venv-$requirements" "$(inputs)"
fi
for library in "$VENV"/lib/python3*; do version=${library##*/python}; done
say "Python $version with the packages of $requirements"
