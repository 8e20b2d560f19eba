"""What a server away from where its images are built has before its own resources: machine, engine and images.

The machine is made ready, unless its operator does that; images are carried to it from the one engine that built them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from . import ssh
from .carriage import base_carried, carried
from .host import HERE, HostSetup
from .images import OS_IMAGE, Images
from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class Built:
    """Images by their ids, and where they are."""

    ids: Mapping[str, pulumi.Output[str]]
    address: str
    """Of the engine that built them."""


def engine(settings: Settings, suffix: str = "", parent: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
    """Return the options of all that is made on a server's engine: its provider, which waits for a ready machine."""
    address = settings.docker_host
    setup = [HostSetup(f"host{suffix}", address, settings, pulumi.ResourceOptions(parent=parent))] \
        if ssh.is_ssh(address) and settings.host_setup else []
    provider = docker.Provider(f"engine{suffix}", host=address, ssh_opts=ssh.of_provider(address),
                               opts=pulumi.ResourceOptions(depends_on=[made.command for made in setup]))
    return pulumi.ResourceOptions(provider=provider)


def build(settings: Settings, services: tuple[str, ...], on_engine: pulumi.ResourceOptions) -> Built:
    """Build the images on this machine's engine, or on the server's own."""
    address = settings.docker_host
    if not ssh.is_ssh(address):
        return Built(ids=Images("images", services, on_engine).ids, address=address)
    if settings.build_on == "host":
        base = base_carried("stealth-base", OS_IMAGE, address, _after(on_engine))
        return Built(ids=Images("images", services, on_engine, [base]).ids, address=address)
    # Nobody looks whether what it has built before is still there: the engines that run it have it.
    builder = docker.Provider("builder", host=HERE, disable_docker_daemon_check=True)
    return Built(ids=Images("images", services, pulumi.ResourceOptions(provider=builder)).ids, address=HERE)


def carry(
    settings: Settings, built: Built, on_engine: pulumi.ResourceOptions, suffix: str = "",
    parent: pulumi.Resource | None = None,
) -> Mapping[str, pulumi.Output[str]]:
    """Return the images' ids for whoever uses them on a server's engine, once they are there."""
    if settings.docker_host == built.address:
        return built.ids
    return carried(f"stealth-carriage{suffix}", built.ids, settings.docker_host, _after(on_engine, parent),
                   built.address)


def _after(on_engine: pulumi.ResourceOptions, parent: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
    """Return the options of a command that needs the engine: whoever waits for its provider waits for the machine."""
    provider = on_engine.provider
    return pulumi.ResourceOptions(parent=parent, depends_on=[provider] if provider else [])
