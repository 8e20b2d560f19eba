from typing import Any

import pytest

from tests.policy.asking import UNKNOWN, ask, assert_refused

ROOT = "docker-container-enable-read-only-rootfs"
SCRATCH = "docker-container-configure-tmpfs"
XRAY = {"name": "stealth-xray"}
JOB = {"name": "stealth-xray-writer", "start": False, "mustRun": False}
OPTIONS = "rw,noexec,nosuid,nodev,size=16m"
BOTH = {"/tmp": OPTIONS, "/run": OPTIONS}  # noqa: S108 - places inside a container


def mount(target: str, **more: Any) -> dict[str, Any]:
    return {"mounts": [{"type": "volume", "source": "stealth-x", "target": target} | more]}


@pytest.mark.parametrize(("policy", "props"), [
    (ROOT, XRAY | {"readOnly": True} | mount("/etc/stealth", readOnly=True)),
    (ROOT, XRAY | {"readOnly": True} | mount("/var/lib/xray", readOnly=False)),
    (ROOT, XRAY | {"readOnly": True} | mount("/var/lib/xray", source=UNKNOWN)),
    (ROOT, JOB | mount("/etc/stealth")), (SCRATCH, XRAY | {"tmpfs": BOTH}), (SCRATCH, JOB),
])
def test_its_own_data_and_small_scratch_space_pass(policy: str, props: dict[str, Any]) -> None:
    assert ask(policy, props) == []


@pytest.mark.parametrize(("policy", "props", "fault"), [
    (ROOT, XRAY, "xray: it can write its root file system"),
    (ROOT, XRAY | {"readOnly": UNKNOWN}, "readOnly is not known"),
    (ROOT, JOB | {"start": True}, "can write its root"),
    (ROOT, XRAY | {"readOnly": True} | mount("/etc/stealth"), "write what is mounted at /etc/stealth"),
    (ROOT, XRAY | {"readOnly": True} | mount("//etc/../var/lib/admin"), "write what is mounted at /var/lib/admin"),
    (ROOT, XRAY | {"readOnly": True, "volumes": [{"containerPath": "/data", "volumeName": "v"}]}, "mounted at /data"),
    (SCRATCH, XRAY | {"tmpfs": {"/run": OPTIONS}}, "no tmpfs at /tmp"),
    (SCRATCH, XRAY | {"tmpfs": BOTH | {"/var/lib/xray": OPTIONS}}, "tmpfs at /var/lib/xray"),
    (SCRATCH, XRAY | {"tmpfs": BOTH | {"/run": "noexec,nosuid,size=1m"}}, "may hold programs"),
    (SCRATCH, XRAY | {"tmpfs": BOTH | {"/run": f"{OPTIONS},exec"}}, "may hold programs"),
    (SCRATCH, XRAY | {"tmpfs": BOTH | {"/run": "noexec,nosuid,nodev"}}, "no size"),
    (SCRATCH, XRAY | {"tmpfs": BOTH | {"/run": "noexec,nosuid,nodev,size=1g"}}, "no size"),
    (SCRATCH, XRAY | {"tmpfs": BOTH | {"/run": UNKNOWN}}, "tmpfs./run is not known"),
])
def test_what_else_can_be_written_is_refused(policy: str, props: dict[str, Any], fault: str) -> None:
    assert_refused(policy, props, fault)
