"""What iptables' rules do with a packet: the part of iptables-extensions(8) that Docker and common firewalls use."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Self

_DROPS = {"DROP", "REJECT"}
_ENDS = _DROPS | {"ACCEPT", "DNAT", "SNAT", "MASQUERADE", "REDIRECT"}
_IGNORED = {"-m", "--comment", "--reject-with", "--to-destination", "--to-source", "--tcp-flags"}
_DEEPEST = 16


@dataclass(frozen=True, kw_only=True)
class Packet:
    """The first packet of a connection."""

    source: str
    transport: str
    port: int
    destination: str = ""
    """Empty for the machine's own address, whichever it is."""

    came_by: str = ""
    goes_by: str = ""
    public_port: int = 0
    """What it asked for before its destination was translated."""

    is_to_machine: bool = False


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of a packet, and by what."""

    target: str
    rule: str = ""
    """As iptables-save writes it; empty when a chain's policy decided."""

    table: str = ""

    @property
    def drops(self) -> bool:
        """Whether the packet goes nowhere."""
        return self.target in _DROPS

    @property
    def reason(self) -> str:
        """By what it was decided, in words."""
        return f"its rule {self.rule}" if self.rule else "its policy: Docker's rules before it are gone"

    @property
    def undone(self) -> str:
        """The command that takes the rule away; empty when there is none."""
        return f"sudo iptables -t {self.table} -D {self.rule.removeprefix('-A ')}" if self.rule else ""

    def is_to(self, address: str) -> bool:
        """Tell whether it leads to an address."""
        leads = re.search(rf"--to-destination {re.escape(address)}(:|\s|$)", self.rule)
        return self.target == "DNAT" and leads is not None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule."""

    text: str
    target: str
    conditions: tuple[tuple[str, str, bool], ...]
    """Option, value, and whether it is negated."""

    def takes(self, packet: Packet) -> bool | None:
        """Tell whether it is for this packet; None if the packet does not decide."""
        found = [None if known is None else known != negated
                 for option, value, negated in self.conditions for known in (_holds(option, value, packet),)]
        if False in found:
            return False
        return None if None in found else True


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All tables."""

    chains: Mapping[tuple[str, str], list[Rule]]
    policies: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what iptables-save prints."""
        chains: dict[tuple[str, str], list[Rule]] = {}
        policies: dict[tuple[str, str], str] = {}
        table = ""
        for line in text.splitlines():
            if line.startswith("*"):
                table = line[1:].strip()
            elif line.startswith(":"):
                name, policy = line[1:].split()[:2]
                policies[table, name] = policy
            elif line.startswith("-A "):
                chains.setdefault((table, line.split()[1]), []).append(_rule(line))
        return cls(chains=chains, policies=policies)

    def walk(self, table: str, chain: str, packet: Packet) -> Verdict:
        """Return what becomes of a packet in a chain of the kernel's own."""
        policy = self.policies.get((table, chain), "ACCEPT")
        return self._walk(table, chain, packet, _DEEPEST) or Verdict(target=policy, table=table)

    def _walk(self, table: str, chain: str, packet: Packet, deepest: int) -> Verdict | None:
        for rule in self.chains.get((table, chain), []) if deepest else []:
            taken = rule.takes(packet)
            # Where the packet does not decide, it passes.
            if taken is False or (taken is None and rule.target in _DROPS):
                continue
            if rule.target == "RETURN":
                return None
            if rule.target in _ENDS:
                return Verdict(target=rule.target, rule=rule.text, table=table)
            found = self._walk(table, rule.target, packet, deepest - 1)
            if found and not (taken is None and found.drops):
                return found
        return None


def _rule(line: str) -> Rule:
    words = shlex.split(line)[2:]
    conditions: list[tuple[str, str, bool]] = []
    target, negated = "", False
    while words:
        option = words.pop(0)
        if option == "!":
            negated = True
            continue
        value = words.pop(0) if words and not words[0].startswith("-") and words[0] != "!" else ""
        if option in {"-j", "-g"}:
            target = value
        elif option not in _IGNORED and not target:
            conditions.append((option, value, negated))
        negated = False
    return Rule(text=line, target=target, conditions=tuple(conditions))


def _holds(option: str, value: str, packet: Packet) -> bool | None:
    if option in {"-i", "-o"}:
        link = packet.came_by if option == "-i" else packet.goes_by
        return link.startswith(value[:-1]) if value.endswith("+") else link == value
    if option in {"-s", "-d"}:
        address = packet.source if option == "-s" else packet.destination
        return ip_address(address) in ip_network(value, strict=False) if address else None
    if option == "-p":
        return value in {packet.transport, "all"}
    if option in {"--dport", "--dports"}:
        return _is_among(packet.port, value)
    if option == "--ctorigdstport":
        return _is_among(packet.public_port, value)
    if option in {"--ctstate", "--state"}:
        return "NEW" in value.split(",") or ("DNAT" in value.split(",") and packet.public_port != 0)
    if option == "--dst-type":
        return packet.is_to_machine == (value == "LOCAL")
    return None


def _is_among(port: int, ranges: str) -> bool:
    return any(int(first) <= port <= int(last or first)
               for first, _, last in (text.partition(":") for text in ranges.split(",")))
