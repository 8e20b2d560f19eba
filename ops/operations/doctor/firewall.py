"""Check of the firewall on the engine's machine: whether it lets visitors to Caddy, and containers to the internet.

A packet is led through the rules as the kernel would lead it. What the packet does not decide (a rate, a set of
addresses) is taken to let it pass, so that nothing is called a fault that may be none.
"""

import re
from collections.abc import Iterator
from typing import Any

from .findings import Case, Finding
from .rules import Packet, Rules

# RFC 2544: addresses that are nobody's, so that no rule means them.
_ANYBODY = "198.18.0.1"
_RESTART = "sudo systemctl restart docker (what runs is started again with it)"


def check(case: Case) -> Iterator[Finding]:
    """Lead packets of visitors and of containers through the firewall."""
    caddy = case.entries.get("caddy")
    driver = str((case.info.get("FirewallBackend") or {}).get("Driver", "iptables"))
    if case.facts is None or not case.runs("caddy") or not caddy or not case.edge:
        return
    bridge = bridge_of(case.edge)
    if case.facts.text("firewall") and driver.startswith("iptables"):
        rules = Rules.parse(case.facts.text("firewall"))
        inner = str(((caddy["NetworkSettings"].get("Networks") or {}).get("stealth-vpn") or {}).get("IPAddress", ""))
        if inner:
            for public, inside, transport in _published(caddy):
                yield from _of_visitors(rules, case.facts.outer_link, bridge, inner, public, inside, transport)
        yield from _of_containers(rules, case.facts.outer_link, bridge, str(case.edge["IPAM"]["Config"][0]["Subnet"]))
    yield from _of_nftables(case.facts.text("nftables"), bridge)


def bridge_of(network: dict[str, Any]) -> str:
    """Return the name of a network's interface on the engine's machine."""
    named = (network.get("Options") or {}).get("com.docker.network.bridge.name")
    return str(named or f"br-{network['Id'][:12]}")


def _published(caddy: dict[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Yield public port, port inside and transport."""
    for inside, places in (caddy["NetworkSettings"].get("Ports") or {}).items():
        port, _, transport = inside.partition("/")
        for public in sorted({int(place["HostPort"]) for place in places or []}):
            yield public, int(port), transport


def _of_visitors(rules: Rules, outer: str, bridge: str, caddy: str, public: int, inside: int,
                 transport: str) -> Iterator[Finding]:
    arriving = Packet(source=_ANYBODY, came_by=outer, transport=transport, port=public, is_to_machine=True)
    verdict = rules.walk("nat", "PREROUTING", arriving)
    if not verdict.is_to(caddy):
        yield Finding(check="firewall", name="firewall-not-published", fix=_RESTART, subject="caddy",
                      fault=f"The firewall of the engine's machine does not lead {public}/{transport} to Caddy: "
                            "Docker's rule for it is gone, as another program's change of the firewall leaves it.")
    passing = Packet(source=_ANYBODY, destination=caddy, came_by=outer, goes_by=bridge, transport=transport,
                     port=inside, public_port=public)
    verdict = rules.walk("filter", "FORWARD", passing)
    if verdict.drops:
        yield Finding(check="firewall", name="firewall-drops", subject="caddy", fix=verdict.undone or _RESTART,
                      fault=f"The firewall of the engine's machine drops {public}/{transport} to Caddy, by "
                            f"{verdict.reason}.")


def _of_containers(rules: Rules, outer: str, bridge: str, subnet: str) -> Iterator[Finding]:
    source = subnet.partition("/")[0]
    leaving = Packet(source=source, destination=_ANYBODY, came_by=bridge, goes_by=outer, transport="tcp", port=443)
    verdict = rules.walk("filter", "FORWARD", leaving)
    if verdict.drops:
        yield Finding(check="firewall", name="firewall-drops-outgoing", fix=verdict.undone or _RESTART,
                      fault="The firewall of the engine's machine drops what containers send to port 443 of others, by "
                            f"{verdict.reason}.")
    if rules.walk("nat", "POSTROUTING", leaving).target not in {"MASQUERADE", "SNAT"}:
        yield Finding(check="firewall", name="firewall-not-translated", fix=_RESTART,
                      fault="The firewall of the engine's machine does not translate containers' addresses, so that "
                            "they get no answer from the internet: Docker's rule for it is gone.")


def _of_nftables(ruleset: str, bridge: str) -> Iterator[Finding]:
    """Look for a table beside Docker's that drops what it does not accept: what another table accepts helps nothing."""
    for family, table, chains in re.findall(r"^table (\w+) (\S+) \{\n(.*?)^\}", ruleset, re.MULTILINE | re.DOTALL):
        if table.startswith("docker") or (family, table) in {("ip", "filter"), ("ip6", "filter")}:
            continue
        for chain, lines in re.findall(r"^\tchain (\S+) \{\n(.*?)^\t\}", chains, re.MULTILINE | re.DOTALL):
            passes = rf"{re.escape(bridge)}|docker|br-|dnat|^\t*accept$|^\t*jump "
            if re.search(r"hook forward .*policy drop;", lines) and not re.search(passes, lines, re.MULTILINE):
                yield Finding(check="firewall", name="firewall-drops", subject="caddy",
                              fault=f"The firewall of the engine's machine drops all to Caddy, by the chain {chain} of "
                                    f"the nftables table {family} {table}, which accepts nothing of Docker's.",
                              fix=f"sudo nft insert rule {family} {table} {chain} ct status dnat accept; sudo nft "
                                  f'insert rule {family} {table} {chain} iifname "{bridge}" accept')
