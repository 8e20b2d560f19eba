#!/bin/sh
# Makes the file system of the base image as a tar file, as root. debootstrap checks Debian's signatures.
# Usage: bootstrap.sh ARCHITECTURE OUTPUT MIRROR SECURITY_MIRROR; an empty mirror is debootstrap's own choice.
set -eu
architecture=$1 output=$2 mirror=$3 security=$4

RELEASE=trixie
STORE=/var/lib/stealth-vpn # on the system's disk, where device files are allowed, unlike many homes
BUNDLE=/etc/ssl/certs/ca-certificates.crt

# In a mount namespace of its own, what debootstrap mounts goes with it, however it ends.
if [ -z "${BOOTSTRAP_INSIDE:-}" ]; then
	BOOTSTRAP_INSIDE=yes exec unshare --mount -- sh "$0" "$@"
fi

install -d -m 0700 "$STORE"
find "$STORE" -maxdepth 1 -name 'base.*' -mmin +600 -exec rm -rf --one-file-system {} + # of interrupted runs
root=$(mktemp -d "$STORE/base.XXXXXX")
trap 'umount -R "$root/proc" "$root/sys" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
chmod 0755 "$root"

# apt's proxy, for a machine that reaches its mirror by one.
eval "$(apt-config shell proxy Acquire::http::Proxy)"
if [ -n "${proxy:-}" ]; then export http_proxy="$proxy" https_proxy="$proxy"; fi

debootstrap --variant=minbase --arch="$architecture" \
	--keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$RELEASE" "$root" ${mirror:+"$mirror"}

# What documentation and translations take is a third of the image, and nobody reads them in there.
cat >"$root/etc/dpkg/dpkg.cfg.d/stealth-vpn" <<END
path-exclude /usr/share/doc/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
path-include /usr/share/doc/*/copyright
END
rm -rf "$root"/usr/share/man/* "$root"/usr/share/locale/*
find "$root/usr/share/doc" -type f ! -name copyright -delete

# Packages may be reached through a proxy with a certificate authority of its own, now and after ca-certificates comes.
install -d "$root/etc/ssl/certs" "$root/usr/local/share/ca-certificates"
cp "$BUNDLE" "$root$BUNDLE"
cp "$BUNDLE" "$root/usr/local/share/ca-certificates/host.crt"

mirror=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' "$root/etc/apt/sources.list" | head -n 1)
printf 'deb %s %s main\n' "$mirror" "$RELEASE" "$mirror" "$RELEASE-updates" >"$root/etc/apt/sources.list"
if [ -n "$security" ]; then
	printf 'deb %s %s main\n' "$security" "$RELEASE-security" >>"$root/etc/apt/sources.list"
fi
chroot "$root" env DEBIAN_FRONTEND=noninteractive sh -ec 'apt-get -qq update; apt-get -qq -y upgrade; apt-get clean'
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/etc/resolv.conf "$root"/etc/hostname

tar -C "$root" --one-file-system --numeric-owner -cf "$output.new" .
mv -f "$output.new" "$output"
chmod 0644 "$output"
