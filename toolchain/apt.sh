# shellcheck shell=sh
# Debian's packages, from the mirrors that this machine is set up with. Sourced after lib.sh.

APT_OPTIONS='-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30'
TRIXIE_SOURCE=/etc/apt/sources.list.d/stealth-vpn-trixie.list
TRIXIE_PREFERENCE=/etc/apt/preferences.d/stealth-vpn-trixie
APT_WORKING=$STAMPS/apt.working # holds what is being installed, until that is done

# want_apt WHAT: refuses a machine that has no apt, in words.
want_apt() {
	command -v apt-get >/dev/null 2>&1 ||
		fail "$1 is missing, and without apt it cannot be installed. Install it by hand, and run \`$AGAIN\` again."
	want_root "Installing $1"
}

# site LABEL PATH: where this machine gets packages of that label of Debian from. Other vendors' addresses end alike, so
# the address itself decides only where the lists, which name the origin, are not there yet.
site() {
	# shellcheck disable=SC2016 # apt's own variable
	apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' "Label: $1" | grep -m1 . ||
		apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 "$2/*\$"
}

# debian_mirror: of Debian's main archive.
debian_mirror() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then say "$DEBIAN_MIRROR"; else site Debian /debian; fi
}

# debian_security_mirror: of security fixes; none where the machine names none.
debian_security_mirror() { site Debian-Security /debian-security; }

# needs_newer_debian: Debian 12 has a Docker and a Go that are too old. Once Docker came from Debian 13, the machine
# calls itself Debian 13, but its packages still come from 12: our own source tells.
needs_newer_debian() {
	[ -e "$TRIXIE_SOURCE" ] || (
		# shellcheck disable=SC1091 # a file of the machine
		. /etc/os-release && [ "${ID:-}" = debian ] && [ "${VERSION_ID:-13}" -lt 13 ]
	)
}

# add_newer_debian: makes Debian 13 reachable for packages that we name, and for no other (priority 100). The
# preference is written first: an interruption must not leave the source alone.
add_newer_debian() {
	mirror=$(debian_mirror) || {
		say "No Debian mirror is configured; add one to /etc/apt/sources.list, or set DEBIAN_MIRROR."
		return 1
	}
	security=$(debian_security_mirror) || security=''
	printf 'Package: *\nPin: release n=trixie*\nPin-Priority: 100\n' | as_root tee "$TRIXIE_PREFERENCE" >/dev/null &&
		{
			printf 'deb %s trixie main\n' "$mirror"
			if [ -n "$security" ]; then printf 'deb %s trixie-security main\n' "$security"; fi
		} | as_root tee "$TRIXIE_SOURCE" >/dev/null
}

# repair_dpkg: ends what an interrupted installation left half done. Unlike apt, dpkg does not wait for its lock, which
# the interrupted apt may still hold, because sudo keeps it alive.
repair_dpkg() {
	[ -n "$(as_root dpkg --audit)$(ls /var/lib/dpkg/updates)" ] || return 0
	tries=60
	until said=$(as_root env DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a 2>&1); do
		say "$said"
		tries=$((tries - 1))
		case $said in *lock*) [ "$tries" -gt 0 ] || break ;; *) break ;; esac
		sleep 5
	done
	# shellcheck disable=SC2086 # options are words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get $APT_OPTIONS -qq -y --fix-broken install || true
}

# apt_install PACKAGE...: asks nothing and leaves the operator's configuration files as they are. Debian's own start
# scripts stay quiet where there is no systemd (runlevel 1), because what a container forbids them would end apt.
apt_install() {
	runlevel=''
	printf '%s\n' "$*" >"$APT_WORKING"
	[ -d /run/systemd/system ] || runlevel=RUNLEVEL=1
	repair_dpkg
	# shellcheck disable=SC2086 # options are words
	as_root apt-get $APT_OPTIONS -qq update || say "Some package lists could not be fetched; going on with the others."
	# shellcheck disable=SC2086 # options are words
	as_root env DEBIAN_FRONTEND=noninteractive $runlevel apt-get $APT_OPTIONS -qq -y --no-install-recommends \
		-o Dpkg::Options::=--force-confold install "$@" && rm -f "$APT_WORKING"
}

# apt_install_newer PACKAGE...: from Debian 13 where the machine's own release is too old for them.
apt_install_newer() {
	if needs_newer_debian; then
		add_newer_debian && apt_install --target-release trixie "$@"
	else
		apt_install "$@"
	fi
}
