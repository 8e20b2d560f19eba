"""What every daemon is made of: its rendered files, delivered, and the hardened container that reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_docker as docker

from .certificates import Certificates
from .configs.plan import Plan
from .delivery import Delivery
from .network import Networks
from .secrets import EngineSecrets
from .service import Attachment, Host, Service, ServiceArgs
from .settings import Settings
from .site_files import SiteFiles


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What the daemons of one server share."""

    settings: Settings
    plan: Plan
    secrets: EngineSecrets
    certificates: Certificates
    networks: Networks
    volumes: Mapping[str, docker.Volume]
    images: Mapping[str, pulumi.Output[str]]
    """Image id by service."""

    host: Host
    site: SiteFiles | None
    """The operator's own site; None for the one in Caddy's image."""

    opts: pulumi.ResourceOptions
    """Options of every top component: the provider of the target engine."""

    suffix: str = ""
    """What the names of this server's resources end with: nothing on the panel's own, `-NAME` on a further host.

    On its engine all is called as on any other server's.
    """

    def edge(self, service: str) -> Attachment:
        """The service's place on the network that traffic takes."""
        return Attachment(network=self.networks.edge.name, address=self.plan.edge(service),
                          address6=self.plan.edge6(service))

    def control(self, service: str) -> Attachment:
        """The service's place on the management network."""
        return Attachment(network=self.networks.control.name, address=self.plan.control(service))


@dataclass(frozen=True, kw_only=True)
class DaemonArgs:
    """What differs between one daemon and the next."""

    user: str
    """Numeric uid:gid."""

    files: Mapping[str, pulumi.Output[str]]
    """Rendered files by name, for /etc/stealth."""

    probe: list[str]
    attachments: list[Attachment]
    service: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of ServiceArgs."""

    after: list[pulumi.Resource] = field(default_factory=list)
    """What must be healthy before this container starts."""


class Daemon(pulumi.ComponentResource):
    """One of the services."""

    container_id: pulumi.Output[str]
    """Changes when, and only when, the container was replaced."""

    def __init__(self, name: str, deployment: Deployment, args: DaemonArgs) -> None:
        suffix = deployment.suffix
        super().__init__("stealth-vpn:docker:Daemon", name + suffix, {}, deployment.opts)
        image = deployment.images[name]
        delivery = Delivery(
            name, image, args.user, args.files, opts=pulumi.ResourceOptions(parent=self), suffix=suffix)
        self.container_id = Service(
            name,
            ServiceArgs(image=image, user=args.user, probe=args.probe, attachments=args.attachments,
                        rendered_volume=delivery.volume, config_hash=delivery.sha256,
                        runs=name not in deployment.settings.stopped, **args.service),
            deployment.host,
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.after), suffix=suffix).container_id
        self.register_outputs({"container_id": self.container_id})


def texts(rendered: pulumi.Output[dict[str, str]], *names: str) -> dict[str, pulumi.Output[str]]:
    """Split one output of several files into an output per file."""
    return {name: rendered[name] for name in names}
