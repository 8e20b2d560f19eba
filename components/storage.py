"""The seven named volumes. They hold what cannot be made again, so they outlive every destroy."""

import pulumi
import pulumi_docker as docker

from .labels import volume_labels

DATA_VOLUMES = (
    "caddy-data", "caddy-config", "xray-data", "trojan-data", "singbox-data", "wireguard-data", "admin-data",
)


def create_data_volumes(
    opts: pulumi.ResourceOptions, suffix: str = "", keys: tuple[str, ...] = DATA_VOLUMES,
) -> dict[str, docker.Volume]:
    """Make the volumes `stealth-<key>`; the result maps the key to the volume.

    All seven exist in every mode: a switch to minimal and back must find the data again. `suffix` ends the resources'
    names, not the volumes' own.
    """
    return {key: _data_volume(key, opts, suffix) for key in keys}


def _data_volume(key: str, opts: pulumi.ResourceOptions, suffix: str) -> docker.Volume:
    keep = pulumi.ResourceOptions(protect=True, retain_on_delete=True, delete_before_replace=True)
    return docker.Volume(
        f"stealth-{key}{suffix}", name=f"stealth-{key}", labels=volume_labels("storage"),
        opts=pulumi.ResourceOptions.merge(opts, keep))
