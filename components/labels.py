"""The labels by which our containers, networks and volumes are known again when no state tells of them."""

import pulumi
import pulumi_docker as docker

PREFIX = "org.stealth-vpn"


def _pairs(component: str) -> dict[str, str]:
    return {
        f"{PREFIX}.project": pulumi.get_project(),
        f"{PREFIX}.stack": pulumi.get_stack(),
        f"{PREFIX}.component": component,
    }


def container_labels(component: str) -> list[docker.ContainerLabelArgs]:
    """Labels of a container."""
    return [docker.ContainerLabelArgs(label=label, value=value) for label, value in _pairs(component).items()]


def network_labels(component: str) -> list[docker.NetworkLabelArgs]:
    """Labels of a network."""
    return [docker.NetworkLabelArgs(label=label, value=value) for label, value in _pairs(component).items()]


def volume_labels(component: str) -> list[docker.VolumeLabelArgs]:
    """Labels of a volume."""
    return [docker.VolumeLabelArgs(label=label, value=value) for label, value in _pairs(component).items()]
