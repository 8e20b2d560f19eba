#!/bin/sh
# Turns UFW on, with SSH and the server's ports open. Usage: firewall.sh PORT/PROTOCOL...
# Nothing that is open already is closed, and SSH is opened first: nobody shall be locked out.
set -eu
# shellcheck source=toolchain/lib.sh
. "$(dirname -- "$0")/lib.sh"

WITHOUT=${STEALTH_VPN_WITHOUT_FIREWALL:-install.sh --no-firewall}

# ssh_ports: where this machine is administered: by the daemon's configuration, by who listens, by this very connection.
# Port 22 if none of them tells.
ssh_ports() {
	{
		as_root sshd -T 2>/dev/null |
			awk '$1 == "port" { print $2 } $1 == "listenaddress" { n = split($2, part, ":"); print part[n] }'
		as_root ss -Hltnp 2>/dev/null |
			awk '/\("(sshd|dropbear)"/ { n = split($4, part, ":"); print part[n] }'
		# Of four words, client's address and port and the server's, the last (ssh(1), ENVIRONMENT).
		printf '%s\n' "${SSH_CONNECTION:-}" | awk 'NF == 4 { print $4 }'
	} | grep -x '[0-9][0-9]*' | sort -un | grep . || echo 22
}

# allow PORT/PROTOCOL WHAT: UFW itself leaves a rule that is there as it is.
allow() {
	as_root ufw allow "$1" comment "$2" >/dev/null || fail "UFW takes no rule for $1 ($2). Look at \`sudo ufw status\`; $WITHOUT leaves the firewall to you."
}

if command -v systemctl >/dev/null 2>&1 && systemctl is-active --quiet firewalld; then
	fail "firewalld runs here, and two firewalls contradict each other. Open $* in it, and run $WITHOUT."
fi
want_root "Setting up the firewall"
if ! root_has ufw; then
	# shellcheck source=toolchain/apt.sh
	. "$ROOT/toolchain/apt.sh"
	want_apt "UFW"
	long ufw-install 20 "Installing UFW" apt_install ufw ||
		fail "UFW could not be installed. Mend what the lines above say, or leave the firewall to you by $WITHOUT."
fi
opened=''
for port in $(ssh_ports); do
	allow "$port/tcp" SSH
	opened="$opened $port/tcp (SSH)"
done
for port; do
	allow "$port" stealth-vpn
	opened="$opened $port"
done
said=$(as_root ufw --force enable 2>&1) || true # its status tells, and not its code
as_root env LC_ALL=C ufw status | grep -qx 'Status: active' ||
	fail "UFW does not start: $(printf '%s' "$said" | tail -n 1) Mend that, or leave the firewall to you by $WITHOUT."
say "Firewall: UFW is on and lets in$opened"
say "  Docker publishes its ports by rules of its own, which come before UFW's: \`ufw deny\` does not close them (docs/install.md)."
