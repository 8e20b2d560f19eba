#!/bin/sh
# Makes the image of a bare Debian 12 for test_bare.py: what an installer leaves, plus git, make and a sudo user.
# Usage: bare_machine.sh IMAGE, as root. Packages come from where this machine gets its own.
set -eu
image=$1
# The functions of the toolchain find its folder by $0.
mirrors=$(sh -ec '. toolchain/lib.sh; . toolchain/apt.sh; debian_mirror; debian_security_mirror' toolchain/any.sh)
mirror=$(echo "$mirrors" | head -n 1)
security=$(echo "$mirrors" | tail -n 1)

root=$(mktemp -d /var/tmp/baretrial.XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT
chmod 0755 "$root"
unshare --mount -- debootstrap --variant=minbase --include=git,make,ca-certificates,sudo bookworm "$root" "$mirror"
printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s bookworm-security main\n' \
	"$mirror" "$mirror" "$security" >"$root/etc/apt/sources.list"
rm -rf "$root"/var/lib/apt/lists/*
# The network may have a certificate authority of its own, which must outlast an upgrade of ca-certificates.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp /etc/ssl/certs/ca-certificates.crt "$root/usr/local/share/ca-certificates/host.crt"
chroot "$root" useradd --create-home --shell /bin/bash someone
echo 'someone ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/someone"
tar -C "$root" --one-file-system --numeric-owner -c . | docker import --change 'CMD ["sleep", "infinity"]' - "$image"
