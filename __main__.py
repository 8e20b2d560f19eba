"""Wires the components of one server together; what each of them does stands in its own file."""

import gc
from pathlib import Path

import pulumi
import pulumi_docker as docker

from components import admin, caddy, certificate_files, certificates, singbox, sizing, trojan, wireguard, xray
from components.configs.plan import Plan
from components.daemon import Deployment
from components.images import Images
from components.links import subscription_url
from components.network import create_networks
from components.secrets import Secrets
from components.settings import Settings
from components.site_files import read_site
from components.storage import create_data_volumes
from components.version import version

# A run lasts a second and leaves nothing worth collecting; the collector would take a tenth of it.
gc.disable()

FULL = ("xray", "trojan", "singbox", "wireguard", "admin", "caddy")
MINIMAL = ("admin", "caddy")

settings = Settings.load(pulumi.Config())
# Before anything is made: a folder that cannot be served must leave no half of a server.
site = read_site(Path(), settings.site_dir) if settings.site_dir else None
plan = Plan.of(settings.domain, settings.network_subnet, settings.vpn_subnet,
               settings.network_subnet6 if settings.ipv6 else None)
own_files = certificate_files.read(settings, plan)
host = sizing.host(settings)
secrets = Secrets("secrets", settings.domain, settings.rotations)
engine = docker.Provider("engine", host=settings.docker_host)
on_engine = pulumi.ResourceOptions(provider=engine)
images = Images("images", FULL if settings.mode == "full" else MINIMAL, on_engine).ids
deployment = Deployment(
    settings=settings, plan=plan, secrets=secrets, host=host, images=images, site=site, opts=on_engine,
    certificates=certificates.create(settings, plan, own_files, secrets.authority, images, on_engine),
    networks=create_networks(plan, on_engine), volumes=create_data_volumes(on_engine))

others = [admin.create(deployment)]
if settings.mode == "full":
    others += [module.create(deployment) for module in (xray, trojan, singbox, wireguard)]
caddy.create(deployment, others)

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
