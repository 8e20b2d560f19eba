"""What of the kernel a container gets: devices and switches."""

from policy.allowlists import DEVICE_RIGHTS, DEVICES, SYSCTLS
from policy.making import CRITICAL, HIGH, PSS, About, Faults, on_each
from policy.resources import CONTAINER, Resource


@on_each(About(
    name="docker-container-disallow-devices",
    description="A container has no device of the host; WireGuard has /dev/net/tun, which makes network interfaces.",
    remedy="Take it away; policy/exceptions.toml says who may have which device.",
    severity=CRITICAL, reference="5.18"), CONTAINER)
def devices(container: Resource) -> Faults:
    for device in container.views("devices"):
        path = device.text("hostPath")
        if path not in DEVICES.get(container.service, frozenset()):
            yield f"it has the device {path}"
        elif device.text("containerPath") not in {"", path} or device.text("permissions") != DEVICE_RIGHTS:
            yield f"it has the device {path} under another name, or with other rights than {DEVICE_RIGHTS}"
    for name in ("deviceRequests", "deviceCgroupRules"):
        if container.has(name) and _is_filled(container, name):
            yield f"{name} gives it devices that nobody has named"
    if container.text("gpus"):
        yield "it has the host's graphics processors"


def _is_filled(container: Resource, name: str) -> bool:
    return bool(container.views(name) if name == "deviceRequests" else container.texts(name))


@on_each(About(
    name="docker-container-sysctl-allowlist",
    description="WireGuard alone turns switches of the kernel, those of its own network only.",
    remedy="Take it out of sysctls; policy/allowlists.py names the three that WireGuard needs.",
    severity=HIGH, standard=PSS, reference="Sysctls"), CONTAINER)
def sysctls(container: Resource) -> Faults:
    for name, value in container.table("sysctls").items():
        if name not in SYSCTLS.get(container.service, frozenset()):
            yield f"it sets {name}"
        elif value != "1":
            yield f"it sets {name} to something else than 1"
