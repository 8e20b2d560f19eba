from typing import Any

import pytest
from pulumi_policy import PolicyResource, PolicyResourceOptions, StackValidationArgs, StackValidationPolicy
from pulumi_policy.policy import PolicyCustomTimeouts
from pulumi_policy.proxy import unknown_checking_proxy

from policy.pack import POLICIES
from policy.resources import CONTAINER, NETWORK
from tests.policy.asking import UNKNOWN

PUBLISHER = "stack-exactly-one-publisher"
ISOLATION = "stack-network-isolation"
COMPONENTS = "stack-required-components"
SINGLETON = "stack-net-admin-singleton"
SHARING = "stack-volume-sharing"

Entry = tuple[str, dict[str, Any]]


def container(service: str, number: int = 10, **more: Any) -> Entry:
    return CONTAINER, {"name": f"stealth-{service}", "networksAdvanced": [
        {"name": "stealth-vpn", "ipv4Address": f"172.20.0.{number}"}]} | more


def network(name: str, subnet: str, **more: Any) -> Entry:
    return NETWORK, {"name": name, "ipamConfigs": [{"subnet": subnet}]} | more


CADDY = container("caddy", ports=[{"internal": 80}])
ADMIN = container("admin", 15)
ENGINES = [container(name, 11 + index) for index, name in enumerate(("xray", "trojan", "singbox", "wireguard"))]
EDGE = network("stealth-vpn", "172.20.0.0/16")
CONTROL = network("stealth-control", "172.21.0.0/24", internal=True)
FULL = [EDGE, CONTROL, CADDY, ADMIN, *ENGINES]
JOB: dict[str, Any] = {"start": False, "mustRun": False}
SECRETS: dict[str, Any] = {"mounts": [{"type": "volume", "source": "stealth-xray-rendered", "target": "/etc/stealth"}]}


def judge(name: str, entries: list[Entry]) -> list[str]:
    (policy,) = [policy for policy in POLICIES if policy.name == name]
    assert isinstance(policy, StackValidationPolicy)
    opts = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
    resources = [PolicyResource(kind, unknown_checking_proxy(dict(props)), f"urn::{index}", f"thing{index}", opts, None,
                                None, [], {}) for index, (kind, props) in enumerate(entries)]
    found: list[str] = []

    def report(sentence: str, _urn: str | None) -> None:
        found.append(sentence)

    policy.validate(StackValidationArgs(resources), report)
    return found


@pytest.mark.parametrize("policy", [PUBLISHER, ISOLATION, COMPONENTS, SINGLETON, SHARING])
@pytest.mark.parametrize("entries", [FULL, [EDGE, CONTROL, CADDY, ADMIN]], ids=["full", "minimal"])
def test_the_whole_server_passes_in_either_mode(policy: str, entries: list[Entry]) -> None:
    assert judge(policy, entries) == []


def test_what_a_preview_does_not_know_is_left_to_the_update() -> None:
    unnamed = (NETWORK, {"name": "stealth-control", "internal": True, "ipamConfigs": UNKNOWN})
    hidden = (CONTAINER, {"name": UNKNOWN, "networksAdvanced": UNKNOWN, "capabilities": UNKNOWN, "mounts": UNKNOWN})
    for policy in (PUBLISHER, ISOLATION, COMPONENTS, SINGLETON, SHARING):
        assert judge(policy, [EDGE, unnamed, CADDY, ADMIN, hidden]) == [], policy


@pytest.mark.parametrize(("policy", "entries", "fault"), [
    (PUBLISHER, [CADDY, container("admin", ports=[{"internal": 8010}])], "admin: it publishes ports beside Caddy"),
    (PUBLISHER, [ADMIN], "the stack: nothing can be reached"),
    (ISOLATION, [EDGE], "no network stealth-control"),
    (ISOLATION, [EDGE, network("stealth-control", "172.21.0.0/24")], "leads out of the host"),
    (ISOLATION, [EDGE, network("stealth-control", "172.20.5.0/24", internal=True)], "the other network's too"),
    (ISOLATION, [EDGE, CONTROL, CADDY, container("admin", 10)], "admin: its address 172.20.0.10 is another's too"),
    (ISOLATION, [network("stealth-vpn", "172.22.0.0/16"), CONTROL, CADDY], "172.20.0.10 lies outside its network"),
    (COMPONENTS, [ADMIN], "there is no caddy"), (COMPONENTS, [CADDY], "there is no admin"),
    (COMPONENTS, [CADDY, ADMIN, *ENGINES[1:]], "there is no xray, but there are other engines"),
    (COMPONENTS, [*FULL, container("miner", 99)], "miner: nobody has said"),
    (COMPONENTS, [*FULL, (CONTAINER, {"name": "other"})], "nobody has said"),
    (SINGLETON, [container(name, capabilities={"adds": ["CAP_NET_ADMIN"]}) for name in ("wireguard", "xray")],
     "xray: it has a capability beside wireguard"),
    (SHARING, [container(name, **SECRETS) for name in ("xray", "admin", "caddy")], "shared by 3 containers"),
    (SHARING, [container(name, **SECRETS, **JOB) for name in ("xray-writer", "admin-writer")], "2 of which fill it"),
])
def test_what_the_resources_together_must_not_be_is_refused(policy: str, entries: list[Entry], fault: str) -> None:
    sentences = judge(policy, entries)
    assert len(sentences) == 1, sentences
    assert fault in sentences[0]
