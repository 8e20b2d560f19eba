"""Carries images, built once, from the engine they were built on to another: a command that brings what is missing.

A container names its image by id, so it is the same one on every engine. In a preview an id is known as soon as the
image is: only those containers are shown as changed whose image is.
"""

import shlex
from collections.abc import Mapping

import pulumi
from pulumi_command import local

from .host import HERE


def carried(
    name: str, ids: Mapping[str, pulumi.Input[str]], docker_host: str, opts: pulumi.ResourceOptions,
    source: str = HERE,
) -> dict[str, pulumi.Output[str]]:
    """Bring images to an engine, and return their ids, by service, for those who need them there.

    Whoever uses one of these waits until all have arrived (ops/carriage.py). They get their names there as well.
    """
    text = pulumi.Output.all(**ids).apply(lambda found: "".join(
        f"stealth-vpn/{service}:local {identity}\n" for service, identity in sorted(found.items())))
    made = _command(name, source, docker_host, text, opts)
    return {service: _once_made(made, identity) for service, identity in ids.items()}


def base_carried(name: str, image: str, docker_host: str, opts: pulumi.ResourceOptions) -> local.Command:
    """Bring an image that is known by its name only to an engine that builds, unless it has one of that name."""
    return _command(name, HERE, docker_host, f"{image}\n", opts)


def _command(
    name: str, source: str, target: str, images: pulumi.Input[str], opts: pulumi.ResourceOptions,
) -> local.Command:
    return local.Command(
        name, create=f"exec .venv/bin/python -m ops.carriage {shlex.quote(source)} {shlex.quote(target)}",
        stdin=images, logging=local.Logging.NONE, add_previous_output_in_env=False, opts=opts)


def _once_made(made: local.Command, identity: pulumi.Input[str]) -> pulumi.Output[str]:
    # By way of its URN, which a preview knows, unlike its id.
    return pulumi.Output.all(identity, made.urn).apply(lambda both: str(both[0]))
