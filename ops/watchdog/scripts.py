"""What runs on the engine's machine to install, remove and look at the watchdog; host.py fills in the names."""

# Of all rights it needs one: to signal processes of other users. The engine's socket is root's own. With logs it must
# also get to their folder, whoever owns those above.
UNIT = """\
[Unit]
Description=Watchdog of the stealth VPN server {stack}
After=docker.service

[Service]
Type=notify
WorkingDirectory={home}
ExecStart={python} {words}
Restart=always
RestartSec=5
WatchdogSec=120
RuntimeDirectory=stealth-vpn
RuntimeDirectoryPreserve=yes
MemoryMax=64M
CapabilityBoundingSet=CAP_KILL CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
{writable}PrivateTmp=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
"""

# A watchdog holds the lock as long as it lives, and its number stands in there. Where no systemd ends it, it is told to
# end, and given the time of one look at all containers.
_PARTS = """\
set -eu
runs() {{ [ -e {state}.lock ] && ! flock --nonblock {state}.lock true; }}
has_systemd() {{ [ -d {systemd} ]; }}
end() {{
	if [ -e {units}/{service}.service ] && has_systemd; then systemctl --quiet disable --now {service}; fi
	if runs; then
		kill "$(cat {state}.lock)"
		flock --timeout 30 {state}.lock true
	fi
}}
"""

INSTALL = _PARTS + """\
[ "$(id -u)" = 0 ] || {{ echo root; exit; }}
{python} -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {{ echo python; exit; }}
if [ -e {off} ] && [ {force} = no ] && [ -z "{logs}" ]; then
	# It may have run for the logs until now.
	end
	echo off
	exit
fi
[ {force} = no ] || rm -f {off}
report() {{ if [ -e {off} ]; then echo off; else echo "$1"; fi; }}
if [ "$(cat {home}/digest 2>/dev/null)" = {digest} ] && runs; then
	if ! has_systemd || systemctl is-enabled --quiet {service}; then report kept; exit; fi
fi
end
mkdir -p {home} {runtime}
if [ -n "{logs}" ]; then
	mkdir -p "{logs}"
	# The group that reads the system's own logs; what is made in there inherits it.
	chgrp adm "{logs}"
	chmod 2750 "{logs}"
fi
rm -rf {home}/stealth_watchdog {home}/digest
echo {program} | base64 -d | tar -x --no-same-owner -C {home}
if has_systemd; then
	echo {unit_text} | base64 -d >{units}/{service}.service
	systemctl daemon-reload
	systemctl --quiet enable {service}
	systemctl restart {service}
else
	(cd {home} && exec setsid {python} {words} >>{log}/{service}.log 2>&1 </dev/null) &
	tries=0
	until runs; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || {{ echo "it does not start; {log}/{service}.log says why" >&2; exit 1; }}
		sleep 0.1
	done
fi
echo {digest} >{home}/digest
report installed
"""

OFF = _PARTS + """\
[ "$(id -u)" = 0 ] || {{ echo root; exit; }}
mkdir -p "$(dirname {off})"
: >{off}
[ -n "{logs}" ] || end
echo off
"""

REMOVE = _PARTS + """\
[ -e {home}/digest ] || {{ echo none; exit; }}
[ "$(id -u)" = 0 ] || {{ echo root; exit; }}
end
rm -rf {home} {units}/{service}.service {state} {state}.lock
if has_systemd; then systemctl daemon-reload; fi
echo removed
"""

LOOK = _PARTS + """\
if [ -e {off} ]; then echo off; else echo on; fi
if runs; then echo held; else echo free; fi
if [ -r {state} ]; then echo $(($(date +%s) - $(stat -c %Y {state}))); cat {state}; fi
"""
