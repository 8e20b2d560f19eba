#!/bin/sh
# Makes this machine one that a server is deployed to from elsewhere: Docker, firewall, kernel, time. What is there
# already stays as it is, so that the second run changes nothing. Usage: host.sh PORT/PROTOCOL..., as root.
# The program sends it to a host with the scripts beside it (templates/host/setup.sh.j2); docs/hosts.md tells each step.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=toolchain/apt.sh
. "$ROOT/toolchain/apt.sh"

ETC=${STEALTH_VPN_ETC:-/etc}
SYSTEMD=/run/systemd/system
KERNEL=$ETC/sysctl.d/60-stealth-vpn.conf
MODULES=$ETC/modules-load.d/60-stealth-vpn.conf
CLOCKS='systemd-timesyncd chrony chronyd ntp ntpd ntpsec openntpd'

# join_docker: who came by sudo talks to the engine from now on without it.
join_docker() {
	if [ -z "${SUDO_USER:-}" ] || [ "$SUDO_USER" = root ]; then return 0; fi
	if id -nG "$SUDO_USER" | grep -qw docker; then return 0; fi
	usermod -aG docker "$SUDO_USER"
	say "$SUDO_USER is now in the group docker, which is as good as root on this machine."
}

# write_if_other FILE: standard input, unless it is there; tells whether it was not.
write_if_other() {
	mkdir -p "${1%/*}"
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then
		rm -f "$1.new"
		return 1
	fi
	mv -f "$1.new" "$1"
}

# set_kernel: BBR keeps its speed where packets get lost, and pairs with fq; sockets for QUIC hold what comes at once
# (https://github.com/quic-go/quic-go/wiki/UDP-Buffer-Sizes). A container of a provider may not set them.
set_kernel() {
	if echo tcp_bbr | write_if_other "$MODULES"; then say "The module tcp_bbr is loaded at each start."; fi
	if write_if_other "$KERNEL" <<-'END'; then say "Kernel: BBR, and buffers for UDP ($KERNEL)"; fi
		net.core.default_qdisc = fq
		net.ipv4.tcp_congestion_control = bbr
		net.core.rmem_max = 7500000
		net.core.wmem_max = 7500000
	END
	modprobe tcp_bbr 2>/dev/null || true # it may be built in
	while read -r key _ value; do
		if [ "$(sysctl -n "$key" 2>/dev/null)" = "$value" ]; then continue; fi
		sysctl -q -w "$key=$value" >/dev/null 2>&1 || say "$key cannot be set here; it stays as it is."
	done <"$KERNEL"
}

# keep_time: certificates and several protocols compare clocks. Whoever keeps the time here already goes on.
keep_time() {
	if [ ! -d "$SYSTEMD" ] || systemd-detect-virt --quiet --container; then
		say "The clock is not set from here: another system has it."
		return 0
	fi
	for clock in $CLOCKS; do
		if systemctl is-active --quiet "$clock"; then return 0; fi
	done
	if [ ! -e /lib/systemd/system/systemd-timesyncd.service ]; then
		long clock-install 10 "Installing what keeps the time" apt_install systemd-timesyncd ||
			fail "What keeps the time could not be installed. Mend what the lines above say, and run \`$AGAIN\` again."
	fi
	systemctl enable --now --quiet systemd-timesyncd
	say "The clock is kept by systemd-timesyncd."
}

"$ROOT/toolchain/engine.sh" host
join_docker
if command -v systemctl >/dev/null 2>&1 && systemctl is-active --quiet firewalld; then
	say "firewalld runs here and is left as it is: it must let in $*."
else
	"$ROOT/toolchain/firewall.sh" "$@"
fi
set_kernel
keep_time
