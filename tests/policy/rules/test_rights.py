import re
from typing import Any

import pytest

from tests.policy.asking import UNKNOWN, ask

PRIVILEGED = "docker-container-disallow-privileged"
NO_NEW = "docker-container-enable-no-new-privileges"
UNCONFINED = "docker-container-disallow-unconfined"
DROPPED = "docker-container-drop-all-capabilities"
ADDED = "docker-container-capability-allowlist"
USER = "docker-container-non-root"
WIREGUARD = {"name": "stealth-wireguard"}
XRAY = {"name": "stealth-xray"}
MODULES = {"target": "/lib/modules", "source": "/lib/modules", "type": "bind", "readOnly": True}


def adds(*names: str) -> dict[str, Any]:
    return {"capabilities": {"adds": list(names)}}


@pytest.mark.parametrize(("policy", "props"), [
    (PRIVILEGED, {}), (PRIVILEGED, {"privileged": False}),
    (NO_NEW, {"securityOpts": ["no-new-privileges:true"]}), (NO_NEW, {"securityOpts": ["no-new-privileges"]}),
    (UNCONFINED, {"securityOpts": ["no-new-privileges:true"]}), (UNCONFINED, {}),
    (DROPPED, {"capabilities": {"drops": ["ALL"]}}), (DROPPED, {"capabilities": {"drops": ["CAP_ALL"]}}),
    (ADDED, XRAY), (ADDED, WIREGUARD | adds("CAP_NET_ADMIN")),
    (ADDED, WIREGUARD | adds("CAP_NET_ADMIN", "CAP_SYS_MODULE") | {"mounts": [MODULES]}),
    (USER, XRAY | {"user": "10002:10002"}), (USER, WIREGUARD | {"user": "0:0"}),
    (USER, {"name": "stealth-wireguard-writer", "user": "0:0"}),
    (USER, {"name": "stealth-singbox", "user": "10004:10004", "groupAdds": ["10001"]}),
])
def test_what_the_services_have_passes(policy: str, props: dict[str, Any]) -> None:
    assert ask(policy, props) == []


@pytest.mark.parametrize(("policy", "props", "fault"), [
    (PRIVILEGED, {"privileged": True}, "thing: it is privileged"),
    (PRIVILEGED, {"privileged": "yes"}, "privileged is neither true nor false"),
    (PRIVILEGED, {"privileged": UNKNOWN}, "privileged is not known before the deploy; write it as a constant. Take"),
    (NO_NEW, {}, "may gain new privileges"),
    (NO_NEW, {"securityOpts": ["no-new-privileges:true", "no-new-privileges:false"]}, "may gain new privileges"),
    (NO_NEW, {"securityOpts": [UNKNOWN]}, r"securityOpts\[0\] is not known"),
    (UNCONFINED, {"securityOpts": ["seccomp:unconfined"]}, "seccomp=unconfined"),
    (UNCONFINED, {"securityOpts": ["apparmor=unconfined"]}, "apparmor=unconfined"),
    (UNCONFINED, {"securityOpts": ["label=disable"]}, "label=disable"),
    (UNCONFINED, {"securityOpts": ["seccomp={}"]}, "sets seccomp"),
    (DROPPED, {}, "keeps the capabilities"), (DROPPED, {"capabilities": {"drops": ["NET_RAW"]}}, "keeps the"),
    (ADDED, XRAY | adds("NET_ADMIN"), "xray: it adds the capability NET_ADMIN"),
    (ADDED, WIREGUARD | adds("NET_ADMIN", "SYS_ADMIN"), "capability SYS_ADMIN"),
    (ADDED, WIREGUARD | adds("SYS_MODULE"), "capability SYS_MODULE"),
    (ADDED, WIREGUARD | adds("SYS_MODULE") | {"mounts": [MODULES | {"readOnly": False}]}, "capability SYS_MODULE"),
    (ADDED, XRAY | adds("SYS_MODULE") | {"mounts": [MODULES]}, "capability SYS_MODULE"),
    (ADDED, adds("NET_ADMIN"), "thing: it adds"), (ADDED, WIREGUARD | adds(UNKNOWN), r"adds\[0\] is not known"),
    (USER, {}, "no pair uid:gid"), (USER, {"user": "root"}, "no pair"), (USER, {"user": "10002"}, "no pair"),
    (USER, XRAY | {"user": "0:10002"}, "runs as root"), (USER, XRAY | {"user": "00:1"}, "runs as root"),
    (USER, XRAY | {"user": "1:0"}, "root's group"), (USER, {"user": UNKNOWN}, "user is not known"),
    (USER, XRAY | {"user": "1:1", "groupAdds": ["10001"]}, "in the group 10001"),
])
def test_what_gives_a_container_rights_is_refused(policy: str, props: dict[str, Any], fault: str) -> None:
    sentences = ask(policy, props)
    assert len(sentences) == 1
    assert re.search(fault, sentences[0])
    assert sentences[0].endswith(".")
