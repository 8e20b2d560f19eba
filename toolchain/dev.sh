#!/bin/sh
# Brings what only tests need: Pulumi from source also on the official road, an SSH server, debootstrap, curl, openssl, ps, a static
# shell for tiny images, restic, and Docker Compose, which deploys are compared with.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/apt.sh
. "$ROOT/toolchain/apt.sh"

missing=''
for package in openssh-server debootstrap busybox-static curl openssl procps; do
	[ -e "/var/lib/dpkg/info/$package.list" ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
	want_apt "what tests need ($missing )"
	# shellcheck disable=SC2086 # packages are words
	long dev-install 15 "Installing$missing" apt_install $missing ||
		fail "What tests need could not be installed. Mend what the lines above say, and run \`make setup-dev\` again."
fi
# Debian's Compose is a plugin of Debian's docker; one that is there already will do.
if ! docker compose version >/dev/null 2>&1; then
	want_apt "Docker Compose"
	long compose-install 15 "Installing Docker Compose" apt_install_newer docker-compose ||
		fail "Docker Compose could not be installed. Mend what the lines above say, and run \`make setup-dev\` again."
fi
"$ROOT/toolchain/restic.sh"
"$ROOT/toolchain/build.sh"
say "Tools for tests"
