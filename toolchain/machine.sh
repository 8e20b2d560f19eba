#!/bin/sh
# Refuses a machine that no server can run on, with what would help; changes nothing. Usage: machine.sh
# Ports and /dev/net/tun are looked at when the configuration is known (ops/configuration/commands.py).
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"

OS_RELEASE=${STEALTH_VPN_OS_RELEASE:-/etc/os-release}
MEMORY=${STEALTH_VPN_MEMINFO:-/proc/meminfo}
SYSTEMD=/run/systemd/system
LEAST_DEBIAN=12
LEAST_UBUNTU=24
LEAST_MEMORY_MIB=1800 # what a machine sold with 2 GB shows; the compiler of the largest image takes over half of it
LEAST_DISK_GIB=10     # tools, images and the caches of their first build

check_system() {
	wanted="install.sh needs Debian $LEAST_DEBIAN or Ubuntu $LEAST_UBUNTU.04, or newer"
	elsewhere='Take a machine with one of them; from this one a server can be deployed to it (README.md, "Your own server").'
	[ "$(uname -s)" = Linux ] || fail "this is $(uname -s), but $wanted. $elsewhere"
	[ -r "$OS_RELEASE" ] || fail "$OS_RELEASE is not there, so nobody knows what system this is, but $wanted. $elsewhere"
	# shellcheck disable=SC1090 # a file of the machine
	. "$OS_RELEASE"
	case ${ID:-} in
	debian) least=$LEAST_DEBIAN ;;
	ubuntu) least=$LEAST_UBUNTU ;;
	*) fail "this is ${PRETTY_NAME:-an unknown system}, but $wanted. $elsewhere" ;;
	esac
	case ${VERSION_ID:-} in
	[0-9]*) [ "${VERSION_ID%%.*}" -ge "$least" ] || fail "this is ${PRETTY_NAME:-$ID $VERSION_ID}, but $wanted. Upgrade it." ;;
	*) fail "this is ${PRETTY_NAME:-$ID}, which has no version yet, but $wanted. $elsewhere" ;;
	esac
}

check_architecture() {
	machine=$(uname -m)
	case $machine in
	x86_64 | aarch64) ;;
	*) fail "this is a machine of $machine, but images are built for x86_64 and aarch64 only. Take another machine." ;;
	esac
	packages=$(dpkg --print-architecture)
	case $packages in
	amd64 | arm64) ;;
	*) fail "the packages of this system are for $packages, though its kernel is of $machine. Install a system of 64 bits." ;;
	esac
}

# check_user: root may, because many servers know nobody else; but not in the checkout of another user.
check_user() {
	owner=$(stat -c %U "$ROOT")
	if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$owner" = "$SUDO_USER" ] && [ "$owner" != root ]; then
		fail "$ROOT is $owner's, and what root makes in it $owner could not use. Run it as $owner, without sudo: it asks for the password where it needs one."
	fi
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
		fail "$(id -un) is not root, and sudo is not installed. Install sudo, or run it as root."
	fi
	[ -w "$ROOT" ] || fail "$(id -un) may not write to $ROOT. Run it as $owner, or in a clone of your own."
}

check_memory() {
	memory=$(awk '/^(MemTotal|SwapTotal):/ { sum += $2 } END { print int(sum / 1024) }' "$MEMORY")
	[ "$memory" -ge "$LEAST_MEMORY_MIB" ] ||
		fail "this machine has $memory MiB of memory and swap, but the builds need $LEAST_MEMORY_MIB. Add swap: fallocate -l 2G /swapfile && chmod 600 /swapfile && mkswap /swapfile && swapon /swapfile"
}

# check_disk: before the first build only; later ones are judged by whoever begins them.
check_disk() {
	if [ -e "$TOOLS/road" ]; then return 0; fi
	for folder in "$ROOT" /var/lib; do
		free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1048576) }')
		[ "$free" -ge "$LEAST_DISK_GIB" ] ||
			fail "$folder has $free GiB free, but the first build needs $LEAST_DISK_GIB. Free some, or take a larger disk."
	done
}

check_system
check_architecture
check_user
check_memory
check_disk
if [ ! -d "$SYSTEMD" ]; then
	say "There is no systemd here: after a restart of the machine \`make setup\` starts Docker, and with it the server."
fi
say "Machine: ${PRETTY_NAME:-$ID}, $machine, $memory MiB"
