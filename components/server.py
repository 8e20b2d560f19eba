"""Lays out one server on one engine, and makes what every server has; the panel is added on one of them only.

Makes no image: a fleet's are built once, and each server is given their ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi

from . import certificate_files, certificates, singbox, trojan, wireguard, xray
from .certificate_files import OwnFiles
from .configs.plan import Plan
from .daemon import Daemon, Deployment
from .network import create_networks
from .secrets import EngineSecrets
from .service import Host
from .settings import Settings
from .site_files import SiteFiles
from .storage import DATA_VOLUMES, create_data_volumes


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What is known of a server before anything is made: a fault in it leaves no half of one."""

    settings: Settings
    plan: Plan
    own_files: OwnFiles
    host: Host
    site: SiteFiles | None

    @classmethod
    def of(cls, settings: Settings, host: Host, site: SiteFiles | None) -> Self:
        """Read and judge all that the settings name; raises SettingsError on the first fault."""
        plan = Plan.of(settings.domain, settings.network_subnet, settings.vpn_subnet,
                       settings.network_subnet6 if settings.ipv6 else None)
        return cls(settings=settings, plan=plan, own_files=certificate_files.read(settings, plan), host=host, site=site)


def deployment(
    ground: Ground, secrets: EngineSecrets, images: Mapping[str, pulumi.Output[str]], opts: pulumi.ResourceOptions,
    suffix: str = "", volumes: tuple[str, ...] = DATA_VOLUMES,
) -> Deployment:
    """Make a server's networks and volumes, and what its certificates need; `opts` name its engine's provider."""
    return Deployment(
        settings=ground.settings, plan=ground.plan, secrets=secrets, host=ground.host, images=images, site=ground.site,
        opts=opts, suffix=suffix, certificates=certificates.create(
            ground.settings, ground.plan, ground.own_files, secrets.authority, images, opts, suffix),
        networks=create_networks(ground.plan, opts, suffix), volumes=create_data_volumes(opts, suffix, volumes))


def engines(made: Deployment) -> list[Daemon]:
    """Make the four daemons that carry traffic."""
    return [module.create(made) for module in (xray, trojan, singbox, wireguard)]
