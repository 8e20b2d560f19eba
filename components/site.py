"""The operator's own site, in a volume of its own."""

import pulumi
import pulumi_docker as docker

from .delivery import written
from .labels import volume_labels
from .site_files import SiteFile, SiteFiles

SITE_PATH = "/srv/site"
"""Where Caddy looks for its site; its image has the built-in one there."""

# Another path than Caddy's: what an image holds at a mount's place is copied into an empty volume.
_WRITTEN_PATH = "/site"


class Site(pulumi.ComponentResource):
    """Files that anybody may read, owned by the user of the service that shows them."""

    volume: pulumi.Output[str]
    """Volume to mount read-only; another content is in another volume, so that no page is ever stale."""

    def __init__(self, image: pulumi.Input[str], user: str, site: SiteFiles, opts: pulumi.ResourceOptions,
                 suffix: str = "") -> None:
        super().__init__("stealth-vpn:docker:Site", f"site{suffix}", {}, opts)
        volume = docker.Volume(
            f"stealth-site{suffix}", name=f"stealth-site-{site.sha256[:12]}", labels=volume_labels("site"),
            opts=pulumi.ResourceOptions(parent=self))
        self.volume = written(
            "site", volume, _WRITTEN_PATH, [_upload(file, user) for file in site.files],
            image=image, user=user, suffix=suffix, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"volume": self.volume})


def _upload(file: SiteFile, user: str) -> docker.ContainerUploadArgs:
    owner, group = user.split(":")
    # By path and hash: a content would stand in the state.
    return docker.ContainerUploadArgs(
        file=f"{_WRITTEN_PATH}/{file.name}", source=file.source, source_hash=file.sha256,
        permissions="0444", owner=owner, group=group)
