"""Which properties may be given, by type of resource and object inside it; no policy lets any other pass.

A property stands here because a rule reads it, or because no value of it makes anything less safe (HARMLESS).
"""

from collections.abc import Mapping

from .resources import COMMAND, CONTAINER, IMAGE, NETWORK, PASSWORD, PROVIDER, VOLUME

_LABEL = frozenset({"label", "value"})


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


JUDGED: Mapping[str, Mapping[str, frozenset[str]]] = {
    CONTAINER: {
        "": _names(
            "attach capabilities cgroupParent cgroupnsMode command cpuPeriod cpuQuota cpuSet cpuShares cpus "
            "deviceCgroupRules deviceRequests devices envs gpus groupAdds healthcheck image init ipcMode "
            "labels logDriver logOpts logs memory memorySwap mounts mustRun name networkMode networksAdvanced pidMode "
            "ports privileged publishAllPorts readOnly restart rm runtime securityOpts start stdinOpen sysctls tmpfs "
            "tty ulimits uploads user usernsMode volumes wait"),
        "capabilities": _names("adds drops"),
        "deviceRequests": frozenset(),
        "devices": _names("containerPath hostPath permissions"),
        "healthcheck": _names("interval retries startPeriod tests timeout"),
        "labels": _LABEL,
        "mounts": _names("bindOptions readOnly source target type volumeOptions"),
        "mounts.bindOptions": _names("propagation"),
        "mounts.volumeOptions": frozenset(),
        "networksAdvanced": _names("ipv4Address ipv6Address name"),
        "ports": _names("external internal ip protocol"),
        "ulimits": _names("hard name soft"),
        "uploads": _names("executable file group owner permissions source"),
        "volumes": _names("containerPath fromContainer hostPath readOnly volumeName"),
    },
    IMAGE: {"": _names("build registry skipPush"), "build": _names("args context dockerfile network"),
            "registry": frozenset()},
    NETWORK: {
        "": _names("attachable driver ingress internal ipamConfigs ipamDriver ipamOptions ipv6 labels name options"),
        "ipamConfigs": _names("subnet"), "labels": _LABEL},
    VOLUME: {"": _names("driver driverOpts labels name"), "labels": _LABEL},
    PASSWORD: {"": _names(
        "keepers length lower minLower minNumeric minSpecial minUpper number numeric overrideSpecial special upper")},
    COMMAND: {"": _names("create logging stdin")},
    PROVIDER: {"": _names("context host registryAuth sshOpts"), "registryAuth": frozenset()},
}
"""What rules read; an object without any entry here holds what it likes, and its rule judges the whole of it."""

HARMLESS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    CONTAINER: {
        "": {
            "containerReadRefreshTimeoutMilliseconds": "how long the provider waits for the engine",
            "destroyGraceSeconds": "how long a stop may take",
            "hostname": "what processes inside call their host",
            "maxRetryCount": "of another restart policy than the one that must be set",
            "memoryReservation": "a wish; memory is the limit",
            "removeVolumes": "of a container that goes; named volumes stay",
            "stopTimeout": "how long a stop may take",
            "waitTimeout": "how long a deploy waits for health",
        },
        "healthcheck": {"startInterval": "how often it is asked until it works"},
        "uploads": {
            "content": "the one place for secrets",
            "contentBase64": "as content",
            "sourceHash": "lets a change be seen",
        },
    },
    IMAGE: {
        "": {"buildOnPreview": "when it is built", "imageName": "a tag; the policy of the stack asks for it"},
        "build": {
            "builderVersion": "which of Docker's own builders",
            "contextDigest": "the provider's own, by which it sees a change",
            "platform": "the architecture",
        },
    },
    COMMAND: {"": {"addPreviousOutputInEnv": "whether the next run is told what this one said"}},
    NETWORK: {"ipamConfigs": {"gateway": "an address of the subnet"}},
    PROVIDER: {"": {
        "disableDockerDaemonCheck": "asks less before it starts", "version": "which release of the provider"}},
}
"""What no rule reads, each with the reason why none need."""


def known(kind: str, path: str) -> frozenset[str]:
    """Return what may be given at a place of a resource."""
    return JUDGED[kind].get(path, frozenset()) | HARMLESS.get(kind, {}).get(path, {}).keys()
