"""Where a client can enter: port 443, or the same daemon's own port without anything in front.

All but one daemon would lose something without Caddy: its TLS, or the header that tells the client's address. So
that both sides do the same work, such a daemon has a twin: the same image, rendered files and limits, in the network
namespace of the original, which does for itself what Caddy does for the original.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.configs.plan import Plan
from components.configs.ports import AGENT
from components.service import STANDARD
from tests.e2e.client import IMAGE
from tests.e2e.deployment import STACK, docker
from tests.e2e.outside import ORIGIN_ADDRESS
from tests.e2e.programs import carrier

NETWORK = "stealth-vpn"
"""The clients' network: Docker's own way into a published port would cost the most of all, and is not ours."""

PLAIN_PORT = 18443
_PLAN = Plan.of("stealth.test", "172.20.0.0/16", "10.66.66.0/24")
# A twin listens where its original does, and so much higher.
_TWIN_OFFSET = 10000


@dataclass(frozen=True, kw_only=True)
class Door:
    """An entrance, and the containers whose processor time its bytes take."""

    address: str
    port: int
    containers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Both entrances of a protocol."""

    through: Door
    direct: Door
    goal: float
    """Least share of the direct speed."""

    baseline: str
    """What the direct side is."""


def _protocol(daemon: str, direct: Door, goal: float, baseline: str) -> Protocol:
    through = Door(address=_PLAN.edge("caddy"), port=443, containers=("stealth-caddy", f"stealth-{daemon}"))
    return Protocol(through=through, direct=direct, goal=goal, baseline=baseline)


def _own(daemon: str, port: int) -> Door:
    return Door(address=_PLAN.edge(daemon), port=port, containers=(f"stealth-{daemon}",))


def _twin(daemon: str, port: int, *more: str) -> Door:
    return Door(address=_PLAN.edge(daemon), port=port + _TWIN_OFFSET, containers=(f"bench-{daemon}", *more))


PROTOCOLS = {
    "vlessReality": _protocol("xray", _twin("xray", 8001), 0.9, "Xray that expects no PROXY header"),
    "vlessWebsocket": _protocol("xray", _twin("xray", 8004), 0.9, "Xray with TLS of its own"),
    "trojan": _protocol("trojan", _twin("trojan", 8002), 0.9, "Trojan-Go with TLS of its own"),
    "shadowtls": _protocol("singbox", _own("singbox", 8003), 0.9, "the same sing-box"),
    "hysteria2": _protocol("singbox", _own("singbox", 8005), 0.95, "the same sing-box"),
    "tuic": _protocol("singbox", _own("singbox", 8006), 0.8, "the same sing-box"),
    "wireguard": _protocol("wireguard", _own("wireguard", 51820), 0.95, "the same WireGuard"),
    "wireguardWebsocket": _protocol(
        "wireguard", _twin("wireguard", 8006, "stealth-wireguard"), 0.9,
        "chisel with TLS of its own, before the same WireGuard"),
}
PLAIN = Door(address=_PLAN.edge("caddy"), port=PLAIN_PORT, containers=("bench-caddy",))
"""A Caddy that is a plain HTTPS reverse proxy of the same origin."""

_CERTIFICATE, _KEY = "/etc/stealth/cert.pem", "/etc/stealth/key.pem"
_COMMANDS = {
    "xray": ["/usr/local/bin/xray", "-config", "/etc/stealth/xray.json"],
    "trojan": ["/usr/local/bin/trojan-go", "-config", "/etc/stealth/trojan.json"],
    # The daemon has chisel inside; the clients have it as a program.
    "wireguard": ["/usr/local/bin/chisel", "server", "--port", str(8006 + _TWIN_OFFSET),
                  "--authfile", "/etc/stealth/chisel-users.json", "--tls-cert", _CERTIFICATE, "--tls-key", _KEY],
    "caddy": ["/usr/local/bin/caddy", "run", "--config", "/etc/stealth/Caddyfile", "--adapter", "caddyfile"],
}
_IMAGES = {"wireguard": IMAGE}
_WITH_AGENT = ("xray", "trojan")
_CADDYFILE = f"""{{
	admin off
	persist_config off
	auto_https off
	servers {{
		protocols h1
	}}
}}
https://www.stealth.test:{PLAIN_PORT} {{
	tls {_CERTIFICATE} {_KEY}
	reverse_proxy {ORIGIN_ADDRESS}:%d
}}
"""


def _rendered(daemon: str, file: str) -> str:
    return _from_volume(f"{daemon}-rendered", file)


def _from_volume(volume: str, file: str) -> str:
    return docker("run", "--rm", "--user", "0:0", "--network", "none", "--entrypoint", "/bin/cat",
                  "--volume", f"stealth-{volume}:/from:ro", "stealth-vpn/wireguard:local", f"/from/{file}")


def _xray() -> str:
    config: dict[str, Any] = json.loads(_rendered("xray", "config.json"))
    for inbound in config["inbounds"]:
        stream = inbound["streamSettings"]
        inbound["port"] += _TWIN_OFFSET
        if stream["network"] == "raw":
            stream["rawSettings"]["acceptProxyProtocol"] = False
        else:
            stream["security"] = "tls"
            stream["tlsSettings"] = {
                "alpn": ["http/1.1"], "certificates": [{"certificateFile": _CERTIFICATE, "keyFile": _KEY}]}
    return json.dumps(config)


def _trojan() -> str:
    config: dict[str, Any] = json.loads(_rendered("trojan", "config.json"))
    del config["transport_plugin"]
    config["local_port"] += _TWIN_OFFSET
    config["ssl"] = {"cert": _CERTIFICATE, "key": _KEY, "alpn": ["http/1.1"]}
    return json.dumps(config)


def _chisel(link: str) -> str:
    """Return the file of chisel's users with the one of a link; chisel adds "/udp" to what they may reach."""
    given = carrier(link)
    return json.dumps({given.auth: [f"^{re.escape(given.target)}(/udp)?$"]})


def _agent(daemon: str) -> dict[str, str]:
    """Return the files of a twin's agent, which knows its original's users and hears of no change."""
    config: dict[str, Any] = json.loads(_rendered(daemon, "agent.json"))
    config |= {"listen": f"127.0.0.1:{AGENT + _TWIN_OFFSET}", "users": "/etc/stealth/users.json"}
    return {"agent.json": json.dumps(config), "users.json": _from_volume(f"{daemon}-data", "users.json")}


def _texts(origin_port: int, links: dict[str, str]) -> dict[str, str]:
    """Return the files of all twins; sing-box's certificate has every name of the server."""
    return {
        "xray.json": _xray(), "trojan.json": _trojan(), "Caddyfile": _CADDYFILE % origin_port,
        "egress.json": _rendered("xray", "egress.json"),
        "chisel-users.json": _chisel(links["wireguardWebsocket"]), "ca.crt": _rendered("caddy", "ca.crt"),
        "cert.pem": _rendered("singbox", "cert.pem"), "key.pem": _rendered("singbox", "key.pem")}


@contextmanager
def twins(folder: Path, origin_port: int, links: dict[str, str]) -> Iterator[None]:
    """Run the daemons that stand for others without a front, for as long as the block lasts, for a user's links."""
    folder.mkdir()
    texts = _texts(origin_port, links)
    try:
        for daemon, command in _COMMANDS.items():
            own = _agent(daemon) if daemon in _WITH_AGENT else {}
            _write(folder / daemon, texts | own)
            _run(daemon, folder / daemon, command)
        yield
    finally:
        docker("rm", "--force", *(f"bench-{daemon}" for daemon in _COMMANDS), check=False)


def _write(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    for file, text in texts.items():
        (folder / file).write_text(text)
        (folder / file).chmod(0o444)  # each twin has a user of its own


def _run(daemon: str, folder: Path, command: list[str]) -> None:
    program, *words = command
    docker("run", "--detach", "--name", f"bench-{daemon}", "--network", f"container:stealth-{daemon}",
           "--label", f"org.stealth-vpn.stack={STACK}", "--volume", f"{folder}:/etc/stealth:ro",
           "--env", "SSL_CERT_FILE=/etc/stealth/ca.crt",  # REALITY verifies its target
           "--cpus", STANDARD.cpus, "--cpu-shares", str(STANDARD.cpu_shares), "--memory", f"{STANDARD.memory_mb}m",
           "--entrypoint", program, _IMAGES.get(daemon, f"stealth-vpn/{daemon}:local"), *words)
