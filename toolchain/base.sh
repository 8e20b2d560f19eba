#!/bin/sh
# Brings the base image of all others, stealth-vpn/os:trixie: pulled on the official road, else made by debootstrap
# from the packages of Debian. `base.sh refresh` makes it anew.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/docker.sh
. "$ROOT/toolchain/docker.sh"

IMAGE=stealth-vpn/os:trixie
OFFICIAL_IMAGE=debian:trixie-slim
PULL_SECONDS=300

# day: when the image was made. An image that was pulled does not carry our label.
day() {
	engine image inspect --format \
		'{{with index .Config.Labels "stealth-vpn.day"}}{{.}}{{else}}{{slice (printf "%v" $.Created) 0 10}}{{end}}' \
		"$IMAGE" 2>/dev/null
}

pull() { timeout "$PULL_SECONDS" docker --host "unix://$SOCKET" pull --quiet "$OFFICIAL_IMAGE"; }

bootstrap() {
	architecture=$(engine version --format '{{.Server.Arch}}') && mirror=$(debian_mirror || true) &&
		security=$(debian_security_mirror || true) &&
		as_root sh "$ROOT/toolchain/bootstrap.sh" "$architecture" "$TOOLS/base.tar" "$mirror" "$security" &&
		engine import --platform "linux/$architecture" --change 'CMD ["bash"]' \
			--change "LABEL stealth-vpn.day=$(date -u +%Y-%m-%d) stealth-vpn.road=mirror-only" "$TOOLS/base.tar" "$IMAGE" &&
		as_root rm -f "$TOOLS/base.tar"
}

make_it() {
	read_line "$TOOLS/road"
	if [ "$line" = official ]; then
		if may_fail=yes long base-pull 20 "Pulling the base image" pull; then
			engine tag "$OFFICIAL_IMAGE" "$IMAGE"
			return
		fi
		say "The base image cannot be pulled, so it is made from Debian's packages."
	fi
	# shellcheck source=toolchain/apt.sh
	. "$ROOT/toolchain/apt.sh"
	want_root "Making the base image"
	if ! root_has debootstrap || [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
		want_apt debootstrap
		long debootstrap-install 10 "Installing debootstrap" apt_install debootstrap debian-archive-keyring ||
			fail "debootstrap could not be installed. Mend what the lines above say, and run \`make setup\` again."
	fi
	long base 45 "Making the base image from Debian's packages" bootstrap ||
		fail "The base image could not be made. Mend what the lines above say, and run \`make setup\` again."
}

if [ "${1:-}" = refresh ] || ! made=$(day); then
	make_it
	made=$(day) || fail "The base image $IMAGE vanished again. Run \`make setup\` once more."
fi
say "Base image $IMAGE of $made"
