"""Checks of how the server is reached: its networks, the domain's names, and certificates."""

import ipaddress
import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ... import certificates as authority
from ...docker import CADDY
from ...errors import OperatorError
from ...panel import Panel
from ...target import Target
from .findings import Case, Finding

LABELS = ("www", "cdn", "img", "app", "q", "t")
# RFC 6761, RFC 6762 and RFC 8375.
PRIVATE_DOMAINS = (".test", ".localhost", ".local", ".example", ".invalid", ".internal", ".home.arpa")
"""Ends of names that no public server knows, and so no public authority signs."""

_MINIMAL_LABELS = ("www",)


def networks(case: Case) -> Iterator[Finding]:
    """Look whether both networks are there and every running service is on the one that traffic takes."""
    if not case.is_deployed:
        return
    for name in ("stealth-vpn", "stealth-control"):
        done = case.engine.ask("network", "inspect", name)
        found: list[dict[str, Any]] = json.loads(done.stdout or "[]") if done.returncode == 0 else []
        if not found:
            yield Finding(check="networks", fault=f"The network {name} is not there.", fix="make up")
        elif name == "stealth-vpn":
            yield from _of_edge(case, found[0])


def _of_edge(case: Case, network: dict[str, Any]) -> Iterator[Finding]:
    subnets = [entry.get("Subnet") for entry in network["IPAM"]["Config"] or []]
    if case.target.network_subnet not in subnets:
        yield Finding(check="networks", fix="make up",
                      fault=f"The network stealth-vpn has {', '.join(map(str, subnets))}, but networkSubnet is "
                            f"{case.target.network_subnet}.")
    on_it = {entry["Name"] for entry in (network.get("Containers") or {}).values()}
    for service in case.services:
        if service.runs and service.container not in on_it:
            yield Finding(check="networks", fault=f"{service.name} is not on the network stealth-vpn.", fix="make up")


def names(case: Case, resolve: Callable[[str], set[str]] | None = None) -> Iterator[Finding]:
    """Ask for the addresses of the domain's names, unless it is one that only clients know."""
    found = {name: (resolve or addresses)(name) for name in public_names(case.target)}
    if not found:
        return
    usual = max(found.values(), key=lambda item: list(found.values()).count(item))
    for name, where in found.items():
        if not where:
            fault = "leads nowhere"
        elif unreachable := sorted(address for address in where if not ipaddress.ip_address(address).is_global):
            fault = f"leads to {', '.join(unreachable)}, which nobody reaches from the internet"
        elif where != usual:
            fault = f"leads to {', '.join(sorted(where))}, but most names to {', '.join(sorted(usual)) or 'nothing'}"
        else:
            continue
        yield Finding(check="names", fault=f"{name} {fault}; let it lead to the server, at your domain's registrar.",
                      fix=f"getent ahosts {name}")


def public_names(target: Target) -> list[str]:
    """Return the names that must lead to the server; none for a domain that only clients know."""
    if f".{target.domain}".endswith(PRIVATE_DOMAINS):
        return []
    labels = LABELS if len(target.services) > 2 else _MINIMAL_LABELS
    return [f"{label}.{target.domain}" for label in labels]


def addresses(name: str) -> set[str]:
    """Return the addresses of a name; none if it has none."""
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()


def certificates(case: Case) -> Iterator[Finding]:
    """Look for certificates that Caddy could not get, and for those that have ended."""
    running = {service.name for service in case.services if service.runs}
    if "caddy" in running and (sentence := authority.reason(case.engine.logs(CADDY))):
        yield Finding(check="certificates", fault=sentence, fix="make up")
    if "admin" not in running:
        return
    try:
        overview = Panel(case.engine).call("GET", "/overview")
    except OperatorError as error:
        yield Finding(check="panel", fault=str(error), fix="ops restart admin")
        return
    for entry in overview["certificates"]:
        if entry["expires_at"] and datetime.fromisoformat(entry["expires_at"]) <= datetime.now(UTC):
            yield Finding(check="certificates", fault=f"The certificate of {entry['name']} has expired.",
                          fix="ops logs caddy 200")
    stopped = case.target.stopped
    for warning in overview["warnings"]:
        if warning.partition(" ")[0] not in stopped:
            named = re.search(r"`((?:make|ops) [^`]+)`", warning)
            yield Finding(check="panel", fault=f"The panel warns: {warning}",
                          fix=named[1] if named else "ops logs admin 200")
