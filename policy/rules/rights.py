"""What a container may do on its host: privilege, capabilities, user."""

import re

from policy.allowlists import (
    CAPABILITIES,
    GROUPS,
    MODULE_CAPABILITY,
    MODULES_FOLDER,
    ROOT_USERS,
)
from policy.containers import capabilities, mounts
from policy.making import CRITICAL, HIGH, About, Faults, on_each
from policy.resources import CONTAINER, Resource

_NO_NEW_PRIVILEGES = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
_UNCONFINED = {
    "seccomp": "unconfined", "apparmor": "unconfined", "systempaths": "unconfined", "label": "disable"}
_USER = re.compile(r"(\d+):(\d+)")


@on_each(About(
    name="docker-container-disallow-privileged",
    description="A container is not privileged.",
    remedy="Take `privileged` away, and ask for the one capability or device that is missing.",
    severity=CRITICAL, reference="5.5"), CONTAINER)
def privileged(container: Resource) -> Faults:
    if container.flag("privileged"):
        yield "it is privileged, which makes its root the host's"


@on_each(About(
    name="docker-container-enable-no-new-privileges",
    description="No program in a container can gain rights that its parent has not.",
    remedy="Put `no-new-privileges:true` into securityOpts.",
    severity=HIGH, reference="5.26"), CONTAINER)
def no_new_privileges(container: Resource) -> Faults:
    given = [option for option in container.texts("securityOpts") if option.startswith("no-new-privileges")]
    # The last one counts in the engine, so that one more could take it back.
    if not given or not set(given) <= _NO_NEW_PRIVILEGES:
        yield "its programs may gain new privileges by setuid files"


@on_each(About(
    name="docker-container-disallow-unconfined",
    description="A container keeps Docker's own profiles of seccomp, AppArmor and SELinux, and its masked paths.",
    remedy="Take that option out of securityOpts.",
    severity=CRITICAL, reference="5.2, 5.3, 5.22"), CONTAINER)
def unconfined(container: Resource) -> Faults:
    for option in container.texts("securityOpts"):
        name, _, value = option.replace("=", ":", 1).partition(":")
        if _UNCONFINED.get(name) == value:
            yield f"securityOpts has {name}={value}, which takes a protection of the kernel's away"
        elif not name.startswith("no-new-privileges"):
            yield f"securityOpts sets {name}, and this pack knows only no-new-privileges"


@on_each(About(
    name="docker-container-drop-all-capabilities",
    description="A container has dropped every capability that it does not ask for.",
    remedy="Set capabilities.drops to ALL.",
    severity=HIGH, reference="5.4"), CONTAINER)
def dropped_capabilities(container: Resource) -> Faults:
    if "ALL" not in capabilities(container, "drops"):
        yield "it keeps the capabilities that Docker gives to everybody"


@on_each(About(
    name="docker-container-capability-allowlist",
    description="A container adds those capabilities only that its service needs.",
    remedy="Take it out of capabilities.adds; policy/exceptions.toml says who may have which.",
    severity=CRITICAL, reference="5.4, C.5.3.2"), CONTAINER)
def added_capabilities(container: Resource) -> Faults:
    allowed = CAPABILITIES.get(container.service, frozenset())
    if allowed and _has_modules(container):
        allowed |= {MODULE_CAPABILITY}
    for name in capabilities(container, "adds"):
        if name not in allowed:
            yield f"it adds the capability {name}, which its service may not have"


@on_each(About(
    name="docker-container-non-root",
    description="A container runs as a numbered user who is not root, in groups of its own.",
    remedy="Set user to the service's own uid:gid, and groupAdds to what policy/allowlists.py names.",
    severity=HIGH, reference="4.1"), CONTAINER)
def non_root(container: Resource) -> Faults:
    numbers = _USER.fullmatch(container.text("user"))
    # The job that writes a service's files gives them to that service's user.
    owner = container.service.removesuffix("-writer")
    if numbers is None:
        yield "its user is no pair uid:gid of numbers, so nobody can tell whether it is root"
    elif owner not in ROOT_USERS and 0 in map(int, numbers.groups()):
        yield "it runs as root or in root's group"
    for group in container.texts("groupAdds"):
        if group not in GROUPS.get(container.service, frozenset()):
            yield f"it is in the group {group}, which its service may not join"


def _has_modules(container: Resource) -> bool:
    return any(mount.kind == "bind" and mount.source == mount.target == MODULES_FOLDER and mount.is_read_only
               for mount in mounts(container))
