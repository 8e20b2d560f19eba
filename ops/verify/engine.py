"""The engine itself: its version, and the settings that the containers' promises rest on."""

import re
from collections.abc import Iterator

from ..preflight import LEAST_ENGINE, LEAST_IPV6_ENGINE
from .checks import Check, judged
from .inspect import Observed
from .promises import Promises

_SUBJECT = "engine"
# Every engine trusts its own machine as a registry (docs.docker.com, dockerd, insecure registries).
_OWN_REGISTRIES = {"127.0.0.0/8", "::1/128"}


def checks(promises: Promises, observed: Observed) -> Iterator[Check]:
    """Judge what the engine tells of itself."""
    version = str(observed.version["Version"])
    is_dual = promises.settings["ipv6"] in {True, "true"}
    least = LEAST_IPV6_ENGINE if is_dual and not observed.info.get("ExperimentalBuild") else LEAST_ENGINE
    yield judged(_SUBJECT, f"is version {least} or newer",
                 [] if int(version.split(".")[0]) >= least else [f"it is {version}"],
                 "Upgrade Docker Engine, and run `make up`.", kept=_versions(observed, version))
    yield judged(_SUBJECT, "filters system calls by its own list (CIS 5.22)", _seccomp(observed),
                 "Take `seccomp-profile` out of daemon.json, and restart Docker.")
    yield judged(_SUBJECT, "belongs to no swarm (CIS 5.1)", _swarm(observed), "Run `docker swarm leave --force` there.")
    yield judged(_SUBJECT, "runs containers by runc", _runtime(observed),
                 "Take `default-runtime` out of daemon.json, and restart Docker.")
    yield judged(_SUBJECT, "trusts no registry without TLS (CIS 2.5)", _registries(observed),
                 "Take `insecure-registries` out of daemon.json, and restart Docker.")


def _versions(observed: Observed, version: str) -> str:
    """Return the versions, and what older ones are known for; a distribution may have mended that in its own."""
    runc = next((str(part["Version"]) for part in observed.version.get("Components") or []
                 if part["Name"] == "runc"), "unknown")
    known = [text for number, least, text in (
        (version, (28, 3, 3), "before 28.3.3 a reload of firewalld opens ports to neighbours (CVE-2025-54388)"),
        (runc, (1, 2, 8), "before 1.2.8 runc let containers break out (CVE-2025-31133)")) if _numbers(number) < least]
    return "; ".join([f"{version}, runc {runc}", *known])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def has_apparmor(observed: Observed) -> bool:
    """Tell whether the engine confines containers by AppArmor."""
    return _has(observed, "apparmor")


def has_cgroup_namespaces(observed: Observed) -> bool:
    """Tell whether the engine gives containers cgroup namespaces of their own unless it is told otherwise."""
    return _has(observed, "cgroupns")


def _has(observed: Observed, name: str) -> bool:
    return any(option.split(",")[0] == f"name={name}" for option in observed.info.get("SecurityOptions") or [])


def _seccomp(observed: Observed) -> Iterator[str]:
    options = [option for option in observed.info.get("SecurityOptions") or [] if option.startswith("name=seccomp")]
    if not options:
        yield "it has no seccomp"
    elif not any("profile=builtin" in option or "profile=default" in option for option in options):
        yield "its list is not Docker's"


def _swarm(observed: Observed) -> Iterator[str]:
    state = (observed.info.get("Swarm") or {}).get("LocalNodeState", "inactive")
    if state != "inactive":
        yield f"its swarm is {state}"


def _runtime(observed: Observed) -> Iterator[str]:
    if observed.info.get("DefaultRuntime") != "runc":
        yield f"it runs them by {observed.info.get('DefaultRuntime')}"


def _registries(observed: Observed) -> Iterator[str]:
    config = observed.info.get("RegistryConfig") or {}
    for network in config.get("InsecureRegistryCIDRs") or []:
        if network not in _OWN_REGISTRIES:
            yield f"it trusts {network}"
    for name, entry in (config.get("IndexConfigs") or {}).items():
        if not entry.get("Secure", True):
            yield f"it trusts {name}"
