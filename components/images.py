"""The images, built from pinned sources on one engine; no registry is involved.

Other engines get them by components/carriage.py.
"""

import platform
from collections.abc import Sequence

import pulumi
import pulumi_docker as docker

OS_IMAGE = "stealth-vpn/os:trixie"
BUILDER_IMAGE = "stealth-vpn/builder:local"
# The names that Python and Docker give one architecture (OCI image specification, GOARCH values).
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PLATFORM = f"linux/{_ARCHITECTURES[platform.machine()]}"


class Images(pulumi.ComponentResource):
    """One image per service, and the builder that the daemons are compiled in."""

    def __init__(
        self, name: str, services: tuple[str, ...], opts: pulumi.ResourceOptions, after: Sequence[pulumi.Resource] = (),
    ) -> None:
        super().__init__("stealth-vpn:docker:Images", name, {}, opts)
        self._after = after
        self.ids: dict[str, pulumi.Output[str]] = {}
        builder = self._build("builder", "images/builder", {})
        for service in services:
            if service == "admin":
                image = self._build(service, "admin", {})
            else:
                # By the id a new builder makes new images: under its tag it would look the same.
                image = self._build(service, f"images/{service}", {
                    "BUILDER_IMAGE": BUILDER_IMAGE, "BUILDER_ID": builder.repo_digest})
            self.ids[service] = image.repo_digest
        self.register_outputs({"ids": self.ids})

    def _build(self, service: str, context: str, args: dict[str, pulumi.Input[str]]) -> docker.Image:
        return docker.Image(
            f"stealth-{service}-image", image_name=f"stealth-vpn/{service}:local", skip_push=True,
            build=docker.DockerBuildArgs(
                context=context, dockerfile=f"{context}/Dockerfile", platform=_PLATFORM,
                args={"OS_IMAGE": OS_IMAGE, **args}),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._after))
