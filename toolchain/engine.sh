#!/bin/sh
# Brings a running Docker Engine, 25 or newer, with BuildKit: uses the one that is there, else installs Debian's.
# `engine.sh host` makes the engine that of a server's machine: its containers outlive a restart of the engine, and logs
# end somewhere. A configuration that is there stays as it is.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/docker.sh
. "$ROOT/toolchain/docker.sh"

LEAST_ENGINE=25 # the first whose health checks have a start interval
START_SECONDS=${STEALTH_VPN_START_SECONDS:-60}
DAEMON_LOG=${STEALTH_VPN_DOCKER_LOG:-/var/log/stealth-vpn-dockerd.log}
PID_FILE=${STEALTH_VPN_DOCKER_PID_FILE:-/var/run/docker.pid}
CONFIG=${STEALTH_VPN_DOCKER_CONFIG:-/etc/docker/daemon.json}
IPV6_ENGINE=27 # the first that filters and translates IPv6 without being told to
KEEPING='"live-restore": true, "log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}'

engine_version() { [ -S "$SOCKET" ] && engine version --format '{{.Server.Version}}' 2>/dev/null; }

install_engine() { apt_install_newer docker.io docker-cli docker-buildx iptables; }

# forget_dead_daemon: after a crash or a reboot another program may have the number in dockerd's file, which dockerd would
# take for itself.
forget_dead_daemon() {
	read_line "$PID_FILE"
	if [ -n "$line" ] && [ "$(cat "/proc/$line/comm" 2>/dev/null)" != dockerd ]; then
		as_root rm -f "$PID_FILE"
	fi
}

# A session of its own outlives this shell. The lock of setup.sh (9) must not live on in it. Debian's own start script
# would raise the limit of open files, which a container of a provider may forbid.
start_without_systemd() {
	daemon=$(as_root sh -c "setsid dockerd --host unix://$SOCKET >>$DAEMON_LOG 2>&1 </dev/null 9>&- & echo \$!")
}

# why_engine_ended: the last lines, but of a crash the first, for it ends with where in the program it was.
why_engine_ended() {
	as_root tail -n 60 "$DAEMON_LOG" | grep -E '^(panic|fatal error): ' || as_root tail -n 3 "$DAEMON_LOG"
}

start_engine() {
	daemon=self # always there
	if [ -d /run/systemd/system ]; then
		as_root systemctl enable --now docker || return 1
	else
		forget_dead_daemon && start_without_systemd || return 1
	fi
	end=$(($(date +%s) + START_SECONDS))
	until engine_version; do
		if [ ! -d "/proc/$daemon" ] || [ "$(date +%s)" -ge "$end" ]; then
			why_engine_ended
			return 1
		fi
		sleep 0.2
	done
}

# is_ours: whether the engine was installed or started by this script; only then it may be configured and restarted.
is_ours() {
	if [ -n "${installed:-}" ]; then return 0; fi
	read_line "$PID_FILE"
	case $(tr '\0' ' ' <"/proc/${line:-none}/cmdline" 2>/dev/null) in
	*"dockerd --host unix://$SOCKET ") return 0 ;;
	*) return 1 ;;
	esac
}

stop_engine() {
	read_line "$PID_FILE"
	as_root kill "$line"
	end=$(($(date +%s) + START_SECONDS))
	while [ -d "/proc/$line" ]; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.2
	done
}

restart_engine() {
	if [ -d /run/systemd/system ]; then as_root systemctl restart docker; else stop_engine; fi && start_engine
}

# write_config WORDS: those of a server's machine too, where it is one.
write_config() {
	words=$1
	if [ "$kind" = host ]; then words="$KEEPING${1:+, $1}"; fi
	as_root mkdir -p "${CONFIG%/*}" && printf '{%s}\n' "$words" | as_root tee "$CONFIG"
}

# may_write_config: whether there is none, or just the one that this run has written.
may_write_config() { [ ! -e "$CONFIG" ] || [ -n "${written:-}" ]; }

# keep_containers: from here on they outlive the engine; no restart is needed for that (dockerd(8), "live-restore").
keep_containers() {
	[ "$kind" = host ] || return 0
	if [ -e "$CONFIG" ]; then
		grep -q live-restore "$CONFIG" ||
			say "$CONFIG is left as it is; with \"live-restore\": true in it a restart of Docker would leave the server running."
		return 0
	fi
	want_root "Configuring Docker Engine"
	write_config '' >/dev/null
	written=yes
	read_line "$PID_FILE"
	if [ -n "$line" ]; then as_root kill -HUP "$line"; fi
}

# restart_for_ipv6: without both words engines before 27 publish IPv6 ports by a proxy that hides who asks, and let
# containers' own ports be reached from outside.
restart_for_ipv6() {
	write_config '"experimental": true, "ip6tables": true' && restart_engine
}

# may_ask: whether the engine can be asked at all, if need be with root's rights, which may take a password.
may_ask() {
	if [ ! -S "$SOCKET" ] || may_use_socket || in_docker_group; then return 0; fi
	want_root "Using Docker Engine"
}

kind=${1:-here}
if may_ask && ! version=$(engine_version); then
	want_root "Starting Docker Engine"
	if ! root_has dockerd || ! command -v docker >/dev/null 2>&1; then
		# shellcheck source=toolchain/apt.sh
		. "$ROOT/toolchain/apt.sh"
		want_apt "Docker Engine $LEAST_ENGINE or newer"
		long engine-install 60 "Installing Docker Engine from Debian" install_engine ||
			fail "Docker Engine could not be installed. Mend what the lines above say, and run \`$AGAIN\` again."
		installed=yes
	fi
	long engine-start 5 "Starting Docker Engine" start_engine ||
		fail "Docker Engine does not start. Look at \`journalctl -u docker\` or $DAEMON_LOG, and run \`$AGAIN\` again."
	version=$(engine_version) || fail "Docker Engine ended again. Look at $DAEMON_LOG, and run \`$AGAIN\` again."
fi
[ "${version%%.*}" -ge "$LEAST_ENGINE" ] 2>/dev/null ||
	fail "Docker Engine is $version, but health checks need $LEAST_ENGINE or newer. Upgrade it, or remove it (\`apt-get remove docker.io\`) so that \`$AGAIN\` installs one."
keep_containers
if [ "${version%%.*}" -lt "$IPV6_ENGINE" ] && may_write_config && is_ours && [ -z "$(engine ps --quiet)" ]; then
	want_root "Making Docker Engine ready for IPv6"
	if ! may_fail=yes long engine-ipv6 5 "Making Docker Engine ready for IPv6" restart_for_ipv6; then
		# A kernel may lack what it takes; IPv4 needs none of it.
		if [ "$kind" = host ]; then write_config ''; else as_root rm -f "$CONFIG"; fi
		long engine-start 5 "Starting Docker Engine without IPv6" start_engine ||
			fail "Docker Engine does not start. Look at \`journalctl -u docker\` or $DAEMON_LOG, and run \`$AGAIN\` again."
	fi
fi
if ! stamped engine "$version"; then
	# A host may be given all that it runs.
	[ "$kind" = host ] || docker buildx version >/dev/null 2>&1 ||
		fail "Docker has no buildx, but images are built with it. Install docker-buildx (or docker-buildx-plugin)."
	stamp engine "$version"
fi
if ! may_use_socket && ! in_docker_group; then
	want_root "Letting $(id -un) use Docker"
	as_root usermod -aG docker "$(id -un)"
	say "$(id -un) is now in the group docker, which is as good as root on this machine."
fi
say "Docker Engine $version"
