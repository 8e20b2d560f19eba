#!/bin/sh
# Brings restic, which keeps the backups, where it is missing or too old to tell a wrong key from a missing place.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/apt.sh
. "$ROOT/toolchain/apt.sh"

LEAST_RESTIC=17 # of 0.17

new_enough() {
	found=$(restic version 2>/dev/null) || return 1
	minor=${found#restic 0.}
	[ "$minor" = "$found" ] || [ "${minor%%.*}" -ge "$LEAST_RESTIC" ]
}

if ! new_enough; then
	want_apt "restic 0.$LEAST_RESTIC or newer"
	long restic-install 15 "Installing restic" apt_install_newer restic ||
		fail "restic could not be installed. Mend what the lines above say, and run \`toolchain/restic.sh\` again."
	new_enough || fail "restic is older than 0.$LEAST_RESTIC even after its installation. Install a newer one by hand."
fi
