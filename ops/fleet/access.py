"""Lets the panel's tunnel in on a further host: an account that may forward to the agents there, and nothing else.

By these commands and no resource of Pulumi's: one would be made once and never looked at again, and here an account
that somebody has taken away is there again after the next deploy.
"""

import shlex
from collections.abc import Sequence

from ..docker import last_line
from ..errors import OperatorError
from ..stack import Stack
from .hosts import Host

USER = "stealth-tunnel"
_HOME = "/var/lib/stealth-tunnel"
_FORCED = "/bin/false"

# sshd(8), AUTHORIZED_KEYS FILE FORMAT. The account has no shell, and a password that nothing matches: `!` would be a
# locked account, which sshd refuses altogether where it does without PAM. Nothing of it belongs to itself.
_GRANT = """\
set -eu
[ "$(id -u)" = 0 ] || { echo 'this user is not root there, nor may be by sudo without a password' >&2; exit 1; }
if ! getent passwd %(user)s >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir %(home)s --shell /usr/sbin/nologin %(user)s
fi
usermod --password '*' %(user)s
mkdir -p %(home)s/.ssh
chmod 0755 %(home)s %(home)s/.ssh
printf '%%s\\n' %(line)s >%(home)s/.ssh/authorized_keys.new
chmod 0644 %(home)s/.ssh/authorized_keys.new
mv %(home)s/.ssh/authorized_keys.new %(home)s/.ssh/authorized_keys
folder=/etc/ssh/sshd_config.d
wanted=$(printf '%%s\\n' %(match)s)
# Where sshd forwards for nobody it must for this account; a machine without the folder has its own way to say so.
if [ -d $folder ] && [ "$(cat $folder/50-stealth-tunnel.conf 2>/dev/null)" != "$wanted" ]; then
	printf '%%s\\n' "$wanted" >$folder/50-stealth-tunnel.conf
	if ! fault=$(sshd -t 2>&1); then
		rm $folder/50-stealth-tunnel.conf
		echo "sshd refuses its configuration: $fault" >&2
		exit 1
	fi
	if [ -d /run/systemd/system ]; then systemctl reload ssh; else pkill -HUP -o -x sshd; fi
fi
"""
_WITHDRAW = """\
set -eu
[ "$(id -u)" = 0 ] || exit 0
if getent passwd %(user)s >/dev/null; then userdel %(user)s; fi
rm -rf %(home)s /etc/ssh/sshd_config.d/50-stealth-tunnel.conf
if [ -d /run/systemd/system ]; then systemctl reload ssh; else pkill -HUP -o -x sshd || true; fi
"""


def grant(stack: Stack, hosts: Sequence[Host]) -> dict[str, str]:
    """Let the deployed tunnel in on each host; return why it could not be, by the host's name."""
    if not hosts:
        return {}
    told = stack.outputs().get("tunnel") or {}
    if not str(told.get("publicKey")).startswith("ssh-"):
        raise OperatorError("the deploy has told no key of the tunnel, which the further hosts must know. "
                            "Run `make up` again.")
    script = granting(told["publicKey"], told["agents"])
    return {host.name: fault for host in hosts if (fault := _run(host, script))}


def withdraw(host: Host) -> None:
    """Take the account away, as far as the host can be reached and this user may."""
    _run(host, _WITHDRAW % {"user": USER, "home": _HOME})


def granting(public_key: str, agents: Sequence[str]) -> str:
    """Return the script that lets one key in, to these places only."""
    line = ",".join(["restrict", "port-forwarding", *(f'permitopen="{place}"' for place in agents),
                     f'command="{_FORCED}"']) + f" {public_key} stealth-vpn"
    match = "\n".join([
        f"Match User {USER}", f"AuthorizedKeysFile {_HOME}/.ssh/authorized_keys",
        "AuthenticationMethods publickey", "AllowTcpForwarding local",
        "AllowStreamLocalForwarding no", f"PermitOpen {' '.join(agents)}", "PermitListen none", "PermitTunnel no",
        "PermitTTY no", "X11Forwarding no", "AllowAgentForwarding no", f"ForceCommand {_FORCED}"])
    return _GRANT % {"user": USER, "home": _HOME, "line": shlex.quote(line), "match": shlex.quote(match)}


def _run(host: Host, script: str) -> str:
    try:
        done = host.engine.on_host(script)
    except OperatorError as error:
        return str(error)
    return "" if done.returncode == 0 else last_line(done.stderr or done.stdout) or "it said no reason"
