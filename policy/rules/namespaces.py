"""What separates a container from its host: namespaces, runtime, control group."""

from policy.making import CRITICAL, HIGH, About, Faults, on_each
from policy.resources import CONTAINER, Resource

_MODES = ("networkMode", "pidMode", "ipcMode", "usernsMode", "cgroupnsMode")
# Docker's own names for namespaces of a container's own.
_OWN = {"", "private", "none", "bridge", "default"}


@on_each(About(
    name="docker-container-disallow-host-namespaces",
    description="A container shares no namespace with the host or with another container.",
    remedy="Take that mode away; Docker then makes a namespace for the container alone.",
    severity=CRITICAL, reference="5.10, 5.16, 5.17, 5.31"), CONTAINER)
def host_namespaces(container: Resource) -> Faults:
    for name in _MODES:
        mode = container.text(name)
        if mode not in _OWN:
            yield f"{name} is {mode.partition(':')[0]}, so that it sees and reaches what is not its own"


@on_each(About(
    name="docker-container-disallow-custom-runtime",
    description="A container runs by Docker's own runtime, in a control group of its own, with nobody at its terminal.",
    remedy="Take that property away.",
    severity=HIGH, reference="5.25"), CONTAINER)
def custom_runtime(container: Resource) -> Faults:
    if container.text("runtime") not in {"", "runc"}:
        yield "it has a runtime of its own, which need not keep what the other policies ask for"
    if container.text("cgroupParent"):
        yield "it has a cgroupParent, whose limits are not its own"
    for name in ("tty", "stdinOpen"):
        if container.flag(name):
            yield f"{name} is on, so that somebody may type into it"
    for name in ("attach", "logs"):
        if container.flag(name):
            yield f"{name} is on, so that its output stands in Pulumi's state"
    if container.flag("init"):
        yield "init is on, so that its first process is none of its own image"
