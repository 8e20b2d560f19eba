"""Wires the components together; what each of them does stands in its own file."""

from pathlib import Path

import pulumi
import pulumi_docker as docker

from components import admin, caddy, fleet, running, server, sizing, ssh, tunnel
from components.configs.tunnel import agents
from components.images import Images
from components.links import subscription_url
from components.secrets import Secrets
from components.settings import Settings
from components.site_files import read_site
from components.version import version

running.hasten()

FULL = ("xray", "trojan", "singbox", "wireguard", "admin", "caddy")
MINIMAL = ("admin", "caddy")

settings = Settings.load(pulumi.Config())
# Before anything is made: a folder that cannot be served must leave no half of a server.
site = read_site(Path(), settings.site_dir) if settings.site_dir else None
ground = server.Ground.of(settings, sizing.host(settings), site)
surveyed = fleet.survey(settings, site)
plan = ground.plan
secrets = Secrets("secrets", settings.domain, settings.rotations, leads_fleet=bool(settings.hosts))
further = fleet.keep(surveyed, settings)
services = (FULL if settings.mode == "full" else MINIMAL) + (("tunnel",) if further else ())
if further or ssh.is_ssh(settings.docker_host):
    # Here and not above: a server of this machine alone needs no commands, and shall not wait for their package.
    from components import remote
    on_engine = remote.engine(settings)
    built = remote.build(settings, services, on_engine)
    images = remote.carry(settings, built, on_engine)
else:
    on_engine = pulumi.ResourceOptions(provider=docker.Provider("engine", host=settings.docker_host))
    images = Images("images", services, on_engine).ids
deployment = server.deployment(ground, secrets, images, on_engine)

others = [admin.create(deployment, secrets, fleet.told(plan, further))]
if settings.mode == "full":
    others += server.engines(deployment)
if further:
    tunnel.create(deployment, secrets, settings.hosts, fleet.plans(further))
    # `ops` lets the tunnel in on each host, to these places only (ops/fleet/access.py).
    # A secret of Pulumi's would be shown to them as none.
    pulumi.export("tunnel", {"publicKey": pulumi.Output.unsecret(secrets.tunnel.apply(lambda keys: keys.public_key)),
                             "agents": agents(further[0].ground.plan)})
caddy.create(deployment, others, secrets.panel)
for one in further:
    fleet.Server(one, built)

port = "" if settings.https_port == 443 else f":{settings.https_port}"
pulumi.export("version", version(Path()))
pulumi.export("siteUrl", f"https://{plan.name('www')}{port}/")
pulumi.export("panelUrl", secrets.panel.apply(lambda keys: f"https://{plan.name('www')}{port}{keys.path}/"))
pulumi.export("panelUsername", settings.admin_username)
pulumi.export("panelPassword", secrets.panel_password)
pulumi.export("metricsToken", secrets.panel.apply(lambda keys: keys.metrics_token))
# No secret: `ops` compares it with the configuration (ops/rotate/deployed.py).
pulumi.export("rotations", {name: made.generation for name, made in settings.rotations.made.items()})
if settings.mode == "full":
    pulumi.export("subscriptionUrl", secrets.panel.apply(lambda keys: subscription_url(settings, plan, keys)))
if deployment.certificates.roots is not None:
    pulumi.export("authorityCertificate", deployment.certificates.roots)
# Once all of the above has been made.
pulumi.run(running.settled)
