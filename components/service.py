"""THE container: every right dropped except those asked for.

`docker.Container(` stands here and in delivery.py only. A component cannot ask for privileged mode, host
namespaces, the Docker socket or a published port of its own accord: those have no field.
"""

from dataclasses import dataclass, field

import pulumi
import pulumi_docker as docker

from .labels import PREFIX, container_labels

# The provider changes these six in its state only; "#initerror" makes a failed health wait fail again.
REPLACE_ON_CHANGES = ["healthcheck", "tmpfs", "init", "cpuPeriod", "cpuQuota", "rm", "#initerror"]
_SCRATCH_MB = 16
_STOP_SECONDS = 10
_PROCESSES = 512


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one container may use."""

    cpus: str
    """CPU cores at most, such as 0.5."""

    cpu_shares: int
    """Share when cores are short; 1024 stands for one core."""

    memory_mb: int
    memory_reservation_mb: int


STANDARD = Limits(cpus="1.0", cpu_shares=256, memory_mb=512, memory_reservation_mb=128)
SMALL = Limits(cpus="0.5", cpu_shares=102, memory_mb=256, memory_reservation_mb=64)


@dataclass(frozen=True, kw_only=True)
class Health:
    """How Docker asks a container whether it works."""

    interval: str
    timeout: str
    start_period: str
    start_interval: str
    retries: int
    wait_seconds: int
    """How long a deploy waits for the first good answer."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """What every container of one engine shares."""

    limits: Limits
    health: Health
    log_max_size: str
    log_max_files: int
    open_files: int
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A place on a network."""

    network: pulumi.Input[str]
    address: str
    address6: str | None = None
    """IPv6 address, on a network that has IPv6."""


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """What differs between one daemon and the next."""

    image: pulumi.Input[str]
    """Image id."""

    user: str
    """Numeric uid:gid."""

    command: list[str] | None = None
    """Arguments for the image's entry point; nothing secret."""

    probe: list[str]
    """Program and arguments of the health check."""

    attachments: list[Attachment]
    rendered_volume: pulumi.Input[str]
    config_hash: pulumi.Input[str]
    """SHA-256 of the rendered files: a change replaces this container and no other."""

    runs: bool = True
    """False for one that an operator has stopped: it is made and kept, and nothing starts it (decision 0026)."""

    data: dict[str, pulumi.Input[str]] = field(default_factory=dict)
    """Path inside, and the volume mounted there."""

    read_only_data: dict[str, pulumi.Input[str]] = field(default_factory=dict)
    """Path inside, and the volume mounted there to be read only."""

    host_folders: dict[str, str] = field(default_factory=dict)
    """Path inside, and the folder of the host mounted there, always read-only."""

    temporary_mb: int = _SCRATCH_MB
    """What /tmp may hold, as a part of the container's memory."""

    groups: list[str] = field(default_factory=list)
    """Numeric groups beside the user's own."""

    ports: list[docker.ContainerPortArgs] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)


class Service(pulumi.ComponentResource):
    """A container with a read-only root, no capability it did not name, limits and a health gate."""

    container_id: pulumi.Output[str]
    """Changes when, and only when, the container was replaced."""

    def __init__(self, name: str, args: ServiceArgs, host: Host, opts: pulumi.ResourceOptions,
                 suffix: str = "") -> None:
        super().__init__("stealth-vpn:docker:Service", name + suffix, {}, opts)
        container = docker.Container(
            f"stealth-{name}{suffix}", name=f"stealth-{name}", hostname=name,
            image=args.image, user=args.user, group_adds=args.groups,
            command=args.command, envs=[f"TZ={host.time_zone}"],
            read_only=True, init=False, tmpfs={"/tmp": _tmpfs(args.temporary_mb), "/run": _tmpfs(_SCRATCH_MB)},  # noqa: S108 - inside
            mounts=_mounts(args), networks_advanced=_networks(args), ports=args.ports,
            capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"], adds=args.capabilities),
            security_opts=["no-new-privileges:true"], sysctls=args.sysctls,
            devices=[_device(path) for path in args.devices], ulimits=_ulimits(host),
            cpus=host.limits.cpus, cpu_shares=host.limits.cpu_shares,
            # Swap equal to memory means none; unset reads back as twice the memory, a diff on every run.
            memory=host.limits.memory_mb, memory_swap=host.limits.memory_mb,
            memory_reservation=host.limits.memory_reservation_mb,
            healthcheck=_healthcheck(args.probe, host.health),
            # Only `always` brings a container back after the engine itself was killed; it would one that was stopped by
            # hand as well. What a service does that runs stays unset, so that containers of before stay as they are.
            restart="always" if args.runs else "no", start=None if args.runs else False,
            must_run=args.runs, wait=args.runs, wait_timeout=host.health.wait_seconds,
            destroy_grace_seconds=_STOP_SECONDS,
            log_driver="json-file",
            log_opts={"max-size": host.log_max_size, "max-file": str(host.log_max_files)},
            labels=[*container_labels(name),
                    docker.ContainerLabelArgs(label=f"{PREFIX}.config-sha256", value=args.config_hash)],
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, replace_on_changes=REPLACE_ON_CHANGES))
        self.container_id = container.id
        self.register_outputs({"container_id": self.container_id})


def _tmpfs(size_mb: int) -> str:
    return f"rw,noexec,nosuid,nodev,size={size_mb}m"


def _mounts(args: ServiceArgs) -> list[docker.ContainerMountArgs]:
    to_read = (docker.ContainerMountArgs(target=path, source=volume, type="volume", read_only=True)
               for path, volume in {"/etc/stealth": args.rendered_volume, **args.read_only_data}.items())
    volumes = (docker.ContainerMountArgs(target=path, source=volume, type="volume", read_only=False)
               for path, volume in args.data.items())
    folders = (docker.ContainerMountArgs(target=path, source=folder, type="bind", read_only=True)
               for path, folder in args.host_folders.items())
    return [*to_read, *volumes, *folders]


def _networks(args: ServiceArgs) -> list[docker.ContainerNetworksAdvancedArgs]:
    return [docker.ContainerNetworksAdvancedArgs(
        name=place.network, ipv4_address=place.address, ipv6_address=place.address6) for place in args.attachments]


def _device(path: str) -> docker.ContainerDeviceArgs:
    return docker.ContainerDeviceArgs(host_path=path, container_path=path, permissions="rw")


def _ulimits(host: Host) -> list[docker.ContainerUlimitArgs]:
    # nproc stands in for a limit of PIDs, which the provider does not know.
    return [
        docker.ContainerUlimitArgs(name="nofile", soft=host.open_files, hard=host.open_files),
        docker.ContainerUlimitArgs(name="nproc", soft=_PROCESSES, hard=_PROCESSES),
    ]


def _healthcheck(probe: list[str], health: Health) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", *probe], interval=health.interval, timeout=health.timeout, retries=health.retries,
        start_period=health.start_period, start_interval=health.start_interval)
