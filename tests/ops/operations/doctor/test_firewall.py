"""Where the firewall's rules lead a packet, and what is found when that is not to Caddy."""

from typing import Any

import pytest

from ops.operations.doctor.rules import Packet, Rules
from tests.ops.operations.doctor.conftest import Tell
from tests.ops.operations.doctor.machine import BRIDGE, FIREWALL, info
from tests.ops.operations.fakes import FakeEngine

VISITOR = Packet(source="198.18.0.1", destination="172.20.0.10", came_by="eth0", goes_by=BRIDGE, transport="tcp",
                 port=443, public_port=443)
NFTABLES = """\
table inet site {
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t\tct state established,related accept
\t}
}
"""


def first_in(chain: str, rule: str) -> str:
    return FIREWALL.replace("*filter\n:INPUT", f"*filter\n-A {chain} {rule}\n:INPUT", 1)


@pytest.mark.parametrize("rule", [
    "-p tcp -m tcp --dport 443 -j DROP", "-j REJECT --reject-with icmp-port-unreachable", "-i eth0 -j DROP",
    "! -i docker0 -p tcp -m multiport --dports 80,443 -j DROP", "! -s 10.0.0.0/8 -j DROP",
    "-p tcp -m conntrack --ctorigdstport 443 -j DROP",
    '-m comment --comment "all of it" -m conntrack --ctstate NEW -j DROP',
    "-d 172.20.0.0/16 -j DROP"])
def test_a_rule_that_drops_visitors_is_found_with_what_takes_it_away(machine: Tell, found: Any, rule: str) -> None:
    machine(firewall=first_in("DOCKER-USER", rule))
    first = next(item for item in found() if item["name"] == "firewall-drops")
    assert f"by its rule -A DOCKER-USER {rule}" in first["fault"]
    assert first["fix"] == f"sudo iptables -t filter -D DOCKER-USER {rule}"


@pytest.mark.parametrize("rule", [
    "-s 203.0.113.7/32 -j DROP", "-p tcp -m tcp --dport 22 -j DROP", "-i eth1 -j DROP", "-p icmp -j DROP",
    "-m conntrack --ctstate INVALID -j DROP", "-m recent --update --seconds 60 --name BAD --rsource -j DROP",
    "-p tcp -m connlimit --connlimit-above 100 -j REJECT", "-j ACCEPT", f"-o {BRIDGE} -m limit --limit 9/s -j RETURN",
    "-j NOWHERE", "-p tcp -m multiport ! --dports 80,443 -j DROP"])
def test_a_rule_that_is_about_others_is_no_fault(machine: Tell, found: Any, rule: str) -> None:
    machine(firewall=first_in("DOCKER-USER", rule))
    assert found() == []


@pytest.mark.parametrize("target", ["ACCEPT", "RETURN"])
def test_a_rule_behind_one_that_lets_pass_is_no_fault(machine: Tell, found: Any, target: str) -> None:
    # -j RETURN leaves the chain, and the rest of FORWARD decides.
    machine(firewall=first_in("DOCKER-USER", f"-p tcp --dport 443 -j {target}\n"
                                             "-A DOCKER-USER -p tcp --dport 443 -j DROP"))
    assert found() == []


def test_a_chain_that_is_jumped_to_decides() -> None:
    rules = Rules.parse("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j mine\n-A mine -p tcp --dport 443 -g theirs\n"
                        "-A theirs -j DROP\nCOMMIT")
    verdict = rules.walk("filter", "FORWARD", VISITOR)
    assert (verdict.target, verdict.rule) == ("DROP", "-A theirs -j DROP")


def test_chains_that_lead_to_each_other_end() -> None:
    rules = Rules.parse("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j a\n-A a -j b\n-A b -j a\nCOMMIT")
    assert rules.walk("filter", "FORWARD", VISITOR).target == "ACCEPT"


@pytest.mark.parametrize(("lost", "names"), [
    ("-A PREROUTING", {"firewall-not-published"}), ("-A DOCKER ! -i", {"firewall-not-published"}),
    ("-A POSTROUTING", {"firewall-not-translated"}),
    ("-A FORWARD", {"firewall-drops", "firewall-drops-outgoing"}), ("-A DOCKER -d", {"firewall-drops"})])
def test_what_docker_s_rules_lost_is_found(machine: Tell, found: Any, lost: str, names: set[str]) -> None:
    machine(firewall="\n".join(line for line in FIREWALL.splitlines() if not line.startswith(lost)))
    faults = found()
    assert {item["name"] for item in faults} == names
    assert all("systemctl restart docker" in item["fix"] for item in faults)


def test_a_table_of_nftables_that_accepts_nothing_of_docker_s_is_found(machine: Tell, found: Any) -> None:
    machine(nftables=NFTABLES)
    (first,) = found()
    assert first["name"] == "firewall-drops"
    assert "chain forward of the nftables table inet site" in first["fault"]


@pytest.mark.parametrize("text", [
    NFTABLES.replace("established,related accept", "established,related accept\n\t\tct status dnat accept"),
    NFTABLES.replace("policy drop", "policy accept"), NFTABLES.replace("inet site", "ip filter"),
    NFTABLES.replace("inet site", "ip docker-bridges"), NFTABLES.replace("hook forward", "hook input")])
def test_other_tables_are_no_fault(machine: Tell, found: Any, text: str) -> None:
    machine(nftables=text)
    assert found() == []


def test_an_engine_that_makes_no_rules_of_iptables_is_not_judged_by_them(
    machine: Tell, well: FakeEngine, found: Any,
) -> None:
    machine(firewall="*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT")
    assert found() != []
    well.answers[("info",)] = info(FirewallBackend={"Driver": "nftables"})
    assert found() == []
