"""A pinned set, and states as two stacks with images have them."""

import json
from dataclasses import replace
from typing import Any

from ops.promote.pin import Image, Pin

IMAGE = "docker:index/image:Image"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
COMMIT, FORMER = "b" * 40, "a" * 40


def identity(number: int) -> str:
    """Return the id of an image."""
    return f"sha256:{number:02d}{'0' * 62}"


def inputs(service: str, source: str, builder: str = "", platform: str = "linux/amd64") -> dict[str, Any]:
    """Return what an image is built of."""
    folder = "admin" if service == "admin" else f"images/{service}"
    arguments = {"OS_IMAGE": "stealth-vpn/os:trixie"}
    if service not in {"admin", "builder"}:
        arguments |= {"BUILDER_IMAGE": "stealth-vpn/builder:local", "BUILDER_ID": builder}
    return {"imageName": f"stealth-vpn/{service}:local", "skipPush": True, "build": {
        "context": folder, "dockerfile": f"{folder}/Dockerfile", "platform": platform, "args": arguments,
        "contextDigest": source}}


def image(stack: str, service: str, number: int, source: str, builder: int = 1) -> dict[str, Any]:
    """Return an image as a state has it."""
    given = inputs(service, source, identity(builder))
    return {"urn": f"urn:pulumi:{stack}::stealth-vpn::x${IMAGE}::stealth-{service}-image", "type": IMAGE,
            "id": given["imageName"], "custom": True, "parent": f"urn of {stack}'s images",
            "provider": f"engine of {stack}", "inputs": given, "outputs": {
                "repoDigest": identity(number), "imageName": given["imageName"], "registryServer": "",
                "__inputs": {**SECRET, "ciphertext": f"of {stack}"}}}


def state(*resources: dict[str, Any]) -> str:
    """Return a state, as `pulumi stack export` prints it."""
    volume = {"urn": "urn::volume", "type": "docker:index/volume:Volume"}
    return json.dumps({"version": 3, "deployment": {"resources": [*resources, volume]}})


FULL = ("admin", "caddy", "singbox", "trojan", "wireguard", "xray")
PINNED = {"builder": 1, **{name: number for number, name in enumerate(FULL, 2)}}
SOURCES = {name: f"source of {name}" for name in PINNED}
STAGING = state(*(image("staging", name, number, SOURCES[name]) for name, number in PINNED.items()))
PROD = state(*(image("prod", name, number + 10, SOURCES[name], builder=11) for name, number in PINNED.items()))
"""The same sources, built on another engine: every id is another one."""

PIN = Pin(stack="staging", commit=COMMIT, program="program b", platform="linux/amd64",
          images={name: Image(id=identity(number), source=SOURCES[name], versions=(f"example.com/{name} v1.2.3",))
                  for name, number in PINNED.items()},
          configuration={"logLevel": "INFO", "mode": "full"},
          verified={"at": "2026-11-30T12:00:00+00:00", "promises": "487 promises checked, all kept."})


def with_image(service: str, **changes: Any) -> Pin:
    """Return the set with another image of a service."""
    return replace(PIN, images=PIN.images | {service: replace(PIN.images[service], **changes)})
