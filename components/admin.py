"""The admin panel."""

from collections.abc import Mapping

import pulumi

from .configs import admin
from .daemon import Daemon, DaemonArgs, Deployment, texts
from .secrets import Secrets


def create(
    deployment: Deployment, secrets: Secrets, hosts: pulumi.Input[Mapping[str, Mapping[str, object]]],
) -> Daemon:
    """Make the panel; it reaches the daemons by the control network, and nothing of Docker.

    `hosts` is what it is told of a fleet's further servers, by name.
    """
    settings = deployment.settings
    roots = deployment.certificates.roots or ""
    rendered = pulumi.Output.all(secrets.panel, secrets.panel_password_hash, secrets.engines, roots, hosts).apply(
        lambda given: admin.files(settings, deployment.plan, *given))
    return Daemon("admin", deployment, DaemonArgs(
        user="10006:10006", files=texts(rendered, "panel.json"),
        probe=["/usr/bin/python3", "-I", "-S", "/app/healthcheck.py"],
        attachments=[deployment.edge("admin"), deployment.control("admin")],
        service={"data": {"/var/lib/admin": deployment.volumes["admin-data"].name},
                 # Files of users: as they come, and once more as a part of a form (caddy.IMPORT_BYTES).
                 "temporary_mb": 48}))
