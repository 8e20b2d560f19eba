"""A fleet's further servers: each is as the first one, but for the panel, on an engine of its own.

One program and one provider each. Nothing of one server depends on another's, so that one which cannot be reached may
be left out of an update (ops/fleet/reach.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from . import caddy, server, sizing
from .configs import admin, tunnel
from .configs.plan import Plan
from .fleet_hosts import FleetHost
from .secrets import EngineSecrets
from .server import Ground
from .settings import Settings
from .site_files import SiteFiles
from .storage import DATA_VOLUMES

if TYPE_CHECKING:
    from .remote import Built

_VOLUMES = tuple(key for key in DATA_VOLUMES if key != "admin-data")


@dataclass(frozen=True, kw_only=True)
class Further:
    """One further server."""

    host: FleetHost
    ground: Ground
    secrets: EngineSecrets


class Server(pulumi.ComponentResource):
    """What one further host's engine runs; an update leaves it out as a whole or not at all."""

    roots: pulumi.Output[str] | None
    """What clients of this server must trust; None where every system does."""

    def __init__(self, further: Further, built: "Built") -> None:
        suffix = further.host.suffix
        super().__init__("stealth-vpn:fleet:Server", f"server{suffix}", {})
        # Here and not above: a server alone on this machine needs no commands, and shall not wait for their package.
        from . import remote
        on_engine = remote.engine(further.ground.settings, suffix, self)
        images = remote.carry(further.ground.settings, built, on_engine, suffix, self)
        made = server.deployment(
            further.ground, further.secrets, images,
            pulumi.ResourceOptions(parent=self, provider=on_engine.provider), suffix, _VOLUMES)
        caddy.create(made, server.engines(made), panel=None)
        self.roots = made.certificates.roots
        self.register_outputs({})


def survey(settings: Settings, site: SiteFiles | None) -> list[tuple[FleetHost, Ground]]:
    """Read and judge all that is known of each further server; raises SettingsError on the first fault."""
    own = [settings.of_host(host) for host in settings.hosts]
    limits = sizing.hosts(own)
    return [(host, Ground.of(given, limit, site))
            for host, given, limit in zip(settings.hosts, own, limits, strict=True)]


def keep(surveyed: Sequence[tuple[FleetHost, Ground]], settings: Settings) -> list[Further]:
    """Make the secrets of each further server: no part of it that an update may leave out, for the panel has them."""
    return [Further(host=host, ground=ground,
                    secrets=EngineSecrets("secrets", host.domain, settings.rotations, host.suffix))
            for host, ground in surveyed]


def told(plan: Plan, fleet: Sequence[Further]) -> pulumi.Output[dict[str, dict[str, object]]]:
    """Return what the panel is told of each further server, by the host's name."""
    places = tunnel.places(plan, [further.host for further in fleet])
    return pulumi.Output.all(**{further.host.name: _told(further, places[further.host.name]) for further in fleet})


def _told(further: Further, places: Mapping[str, str]) -> pulumi.Output[dict[str, object]]:
    ground = further.ground
    roots = further.secrets.authority.apply(lambda made: made.certificate_pem) if ground.settings.tls == "internal" \
        else pulumi.Output.from_input(ground.own_files.roots or "")
    return pulumi.Output.all(further.secrets.engines, roots).apply(
        lambda given: admin.host(ground.settings, ground.plan, given[0], str(given[1]), places))


def plans(fleet: Sequence[Further]) -> dict[str, Plan]:
    """Return each further server's plan, by the host's name."""
    return {further.host.name: further.ground.plan for further in fleet}
