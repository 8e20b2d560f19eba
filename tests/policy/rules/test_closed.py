"""Every argument of the provider's is judged by a rule, is harmless for a reason that is given, or is refused."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi_docker as docker
import pulumi_random as random
import pytest
from pulumi_command import local

from policy.properties import HARMLESS, JUDGED, known
from policy.resources import COMMAND, CONTAINER, IMAGE, NETWORK, PASSWORD, PROVIDER, VOLUME
from tests.policy.asking import ask

UNKNOWN_PROPERTIES = "resource-disallow-unknown-properties"
# The class of each object that has arguments, by its place.
CLASSES: dict[str, dict[str, type]] = {
    CONTAINER: {
        "": docker.ContainerArgs, "capabilities": docker.ContainerCapabilitiesArgs,
        "deviceRequests": docker.ContainerDeviceRequestArgs, "devices": docker.ContainerDeviceArgs,
        "healthcheck": docker.ContainerHealthcheckArgs, "labels": docker.ContainerLabelArgs,
        "mounts": docker.ContainerMountArgs, "mounts.bindOptions": docker.ContainerMountBindOptionsArgs,
        "mounts.volumeOptions": docker.ContainerMountVolumeOptionsArgs,
        "networksAdvanced": docker.ContainerNetworksAdvancedArgs, "ports": docker.ContainerPortArgs,
        "ulimits": docker.ContainerUlimitArgs, "uploads": docker.ContainerUploadArgs,
        "volumes": docker.ContainerVolumeArgs},
    IMAGE: {"": docker.ImageArgs, "build": docker.DockerBuildArgs, "registry": docker.RegistryArgs},
    NETWORK: {"": docker.NetworkArgs, "ipamConfigs": docker.NetworkIpamConfigArgs, "labels": docker.NetworkLabelArgs},
    VOLUME: {"": docker.VolumeArgs, "labels": docker.VolumeLabelArgs},
    COMMAND: {"": local.CommandArgs},
    PASSWORD: {"": random.RandomPasswordArgs},
    PROVIDER: {"": docker.ProviderArgs, "registryAuth": docker.ProviderRegistryAuthArgs},
}
LISTS = {"deviceRequests", "devices", "labels", "mounts", "networksAdvanced", "ports", "ulimits", "uploads", "volumes",
         "ipamConfigs", "registryAuth"}
# What the engine and the provider add to what a program writes.
ADDED = {(PROVIDER, "", "version"), (IMAGE, "build", "contextDigest")}


def arguments(of: type) -> Iterator[str]:
    for name in list(inspect.signature(of.__init__).parameters)[1:]:  # type: ignore[misc]
        yield re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def placed(path: str, name: str) -> dict[str, Any]:
    inner: Any = {name: {"any": "thing"}}
    for part in reversed(path.split(".") if path else []):
        inner = {part: [inner] if part in LISTS else inner}
    return dict(inner)


PLACES = [(kind, path) for kind, classes in CLASSES.items() for path in classes]


@pytest.mark.parametrize(("kind", "path"), PLACES)
def test_each_argument_is_known_or_refused(kind: str, path: str) -> None:
    for name in arguments(CLASSES[kind][path]):
        place = f"{path}.{name}".lstrip(".")
        if name not in known(kind, path):
            (sentence,) = ask(UNKNOWN_PROPERTIES, placed(path, name), kind)
            assert f"{place} is a property that no policy looks at" in sentence
        elif place not in JUDGED[kind]:
            assert ask(UNKNOWN_PROPERTIES, placed(path, name), kind) == [], place


@pytest.mark.parametrize(("kind", "path"), PLACES)
def test_nothing_is_known_that_the_provider_does_not_have(kind: str, path: str) -> None:
    added = {name for of, place, name in ADDED if (of, place) == (kind, path)}
    assert known(kind, path) - added <= set(arguments(CLASSES[kind][path]))


def test_every_object_that_is_judged_has_its_class_here() -> None:
    assert {kind: set(places) for kind, places in JUDGED.items()} == {
        kind: set(places) for kind, places in CLASSES.items()}
    assert all(set(places) <= set(JUDGED[kind]) for kind, places in HARMLESS.items())


def test_a_rule_reads_each_property_that_is_judged() -> None:
    rules = "".join(file.read_text() for file in (*Path("policy/rules").glob("*.py"), Path("policy/containers.py")))
    names = {name for places in JUDGED.values() for found in places.values() for name in found}
    assert names - set(re.findall(r"""["'](\w+)["']""", rules)) == set()


def test_what_is_harmless_is_not_judged_and_says_why() -> None:
    for kind, places in HARMLESS.items():
        for path, reasons in places.items():
            assert not JUDGED[kind][path] & reasons.keys()
            assert all(reasons.values())
