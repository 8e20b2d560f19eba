"""What client programs are told when they are given a user's address: the panel's own configurations, as they come.

Programs run with the file that a person gets; only the way is chosen in it, as the person would in the app.
"""

import json
from collections.abc import Callable
from typing import Any

import yaml

from panel.protocols import PROTOCOLS
from tests.e2e.deployment import NAMES
from tests.e2e.outside import TARGETS
from tests.e2e.programs import SOCKS_PORT, Program

_HOSTS = tuple(f"{name}.stealth.test" for name in NAMES)
# Nobody answers there: only the tunnel's own resolver can (RFC 5737).
_RESOLVER_OF_NOBODY = "192.0.2.53"
# Below the rules of programs that take all packets, and above the one that would send them beside the tunnel.
_GUARD = " && ".join(f"ip {'-6' if ':' in target else '-4'} rule add to {target} blackhole priority 20000"
                     for target in TARGETS)
_PREPARE = f"{_GUARD} && echo nameserver {_RESOLVER_OF_NOBODY} > /etc/resolv.conf && touch /tmp/guarded && "


def sing_box(text: str, way: str | None = None) -> Program:
    """Return sing-box with the configuration; without a way it chooses by itself."""
    file = json.loads(text)
    if way:
        _tagged(file["outbounds"], "Proxy")["default"] = PROTOCOLS[way].title
    return Program(script="exec sing-box run -c /client/sing-box.json", hosts=_HOSTS, guard=_PREPARE, socks=False,
                   files={"sing-box.json": json.dumps(file)})


def mihomo(text: str, way: str | None = None) -> Program:
    """Return mihomo with the configuration; without a way it chooses by itself."""
    file = yaml.safe_load(text)
    if way:
        # The first of a group is its choice.
        file["proxy-groups"][0]["proxies"] = [PROTOCOLS[way].title]
    # It makes the trust of these two before it reads the roots of its first configuration (decision 0022).
    trust = "SSL_CERT_FILE=/client/ca.crt " if way in ("hysteria2", "tuic") else ""
    return Program(script=f"{trust}exec mihomo -d /tmp/mihomo -f /client/mihomo.yaml", hosts=_HOSTS, guard=_PREPARE,
                   socks=False, files={"mihomo.yaml": yaml.safe_dump(file)})


def xray(text: str, way: str | None = None) -> Program:
    """Return Xray with the configuration; without a way it chooses by itself."""
    file = json.loads(text)
    file["inbounds"][0]["port"] = SOCKS_PORT
    if way:
        file["routing"]["balancers"][0] |= {"selector": [f"proxy-{way}"], "fallbackTag": f"proxy-{way}"}
    return Program(script="exec xray run -config /client/xray.json", hosts=_HOSTS,
                   files={"xray.json": json.dumps(file)})


CONFIGURED: dict[str, Callable[[str, str | None], Program]] = {"sing-box": sing_box, "mihomo": mihomo, "xray": xray}
"""By the name of the format."""

_SIX = ("vlessReality", "vlessWebsocket", "trojan", "shadowtls", "hysteria2", "tuic")
WAYS = {"sing-box": _SIX, "mihomo": _SIX, "xray": _SIX[:3]}
"""Protocols that each format's configuration has."""

# wg-quick(8) takes its own keys out, and wg(8) reads the rest into a device that is not there.
_CHECK_OF_WIREGUARD = \
    "wg-quick strip FILE > /tmp/stripped && wg setconf absent /tmp/stripped 2>&1 | grep 'Unable to modify'"
CHECKS = {
    "sing-box": "sing-box check -c FILE", "mihomo": "mihomo -t -d /tmp/mihomo -f FILE",
    "xray": "xray run -test -config FILE", "wireguard": _CHECK_OF_WIREGUARD,
    "wireguard-websocket": _CHECK_OF_WIREGUARD}
"""Each program's own check of a file, by format."""


def _tagged(entries: list[dict[str, Any]], tag: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["tag"] == tag)
