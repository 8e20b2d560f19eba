"""Brings rendered configuration files into a volume that one service mounts read-only.

A file cannot be uploaded into a read-only container, and environment, labels and command lines are open to
everybody who may inspect. So a container that is made and never started carries the files into the volume.
"""

import hashlib
import json
from collections.abc import Mapping

import pulumi
import pulumi_docker as docker

from .labels import container_labels, volume_labels

RENDERED_PATH = "/etc/stealth"


class Delivery(pulumi.ComponentResource):
    """Files of one owner: a service's rendered ones, mode 0400, or the first ones of a volume that a service keeps.

    The first files are for the owner's group as well, and a new image does not bring them back over what the
    service has put in their place.
    """

    volume: pulumi.Output[str]
    """Volume to mount read-only at /etc/stealth; with first files, where the service and its reader agree."""

    sha256: pulumi.Output[str]
    """Hash over names and texts, for the label that replaces the reader when they change."""

    def __init__(
        self, name: str, image: pulumi.Input[str], user: str,
        files: Mapping[str, pulumi.Output[str]], opts: pulumi.ResourceOptions, *, is_first: bool = False,
        suffix: str = "",
    ) -> None:
        super().__init__("stealth-vpn:docker:Delivery", f"{name}-delivery{suffix}", {}, opts)
        title = f"stealth-{name}" if is_first else f"stealth-{name}-rendered"
        volume = docker.Volume(
            title + suffix, name=title, labels=volume_labels(name),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True))
        uploads = [_upload(file, text, user, "0640" if is_first else "0400") for file, text in sorted(files.items())]
        self.volume = written(
            name, volume, RENDERED_PATH, uploads, image=image, user=user, suffix=suffix,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["image"] if is_first else []))
        self.sha256 = pulumi.Output.unsecret(pulumi.Output.all(**files).apply(_hash))
        self.register_outputs({"volume": self.volume, "sha256": self.sha256})


def written(
    name: str, volume: docker.Volume, path: str, uploads: list[docker.ContainerUploadArgs], *,
    image: pulumi.Input[str], user: str, opts: pulumi.ResourceOptions, suffix: str = "",
) -> pulumi.Output[str]:
    """Write files into a volume that is mounted at path, and return the volume's name once they are there.

    `suffix` ends the resource's name, not the container's own.
    """
    writer = docker.Container(
        f"stealth-{name}-writer{suffix}", name=f"stealth-{name}-writer", image=image, user=user,
        must_run=False, start=False, init=False, destroy_grace_seconds=1, network_mode="none",
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"], labels=container_labels(name),
        mounts=[docker.ContainerMountArgs(target=path, source=volume.name, type="volume")], uploads=uploads,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(
            delete_before_replace=True, replace_on_changes=["init", "rm"])))
    # By way of the writer's id, so that no reader starts before its files are there.
    return pulumi.Output.all(volume.name, writer.id).apply(lambda both: str(both[0]))


def _upload(file: str, text: pulumi.Output[str], user: str, mode: str) -> docker.ContainerUploadArgs:
    owner, group = user.split(":")
    return docker.ContainerUploadArgs(
        file=f"{RENDERED_PATH}/{file}", content=pulumi.Output.secret(text),
        permissions=mode, owner=owner, group=group)


def _hash(files: dict[str, str]) -> str:
    # Each text holds a key of at least 96 random bits, so its hash in a label gives nothing away.
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
