"""Cases of the policies on what a container may write and mount, and on where secrets may stand."""

from tests.engine import VOLUME
from tests.policy.cases import SILENT, Cases, but, real, unknown
from tests.policy.changes import gone, plus, without, word
from tests.policy.judge import UNKNOWN
from tests.policy.operators_containers import KEY, PEM, UUID

XRAY, CADDY, WIREGUARD = real("stealth-xray"), real("stealth-caddy"), real("stealth-wireguard")
WRITER = real("stealth-xray-writer")
DATA, RENDERED = real("stealth-xray-data", VOLUME), real("stealth-xray-rendered", VOLUME)


def _bind(source: str) -> dict[str, object]:
    return {"type": "bind", "source": source, "target": "/host", "readOnly": True}


FILES = {
    "docker-container-enable-read-only-rootfs": Cases(
        passing=(XRAY, WRITER),
        failing=((but(XRAY, "readOnly", gone()), "?"),
                 (but(XRAY, "readOnly", False), "?"),
                 (but(XRAY, "mounts.readOnly", False), "?")),
        unknown=((unknown(XRAY, "readOnly"), "?"),)),
    "docker-container-configure-tmpfs": Cases(
        passing=(XRAY, WRITER, but(XRAY, "tmpfs", gone())),
        failing=((but(XRAY, "tmpfs.*", without("noexec")), "?"),
                 (but(XRAY, "tmpfs.*", word("exec")), "?"),
                 (but(XRAY, "tmpfs.*", without("size")), "?"),
                 (but(XRAY, "tmpfs.*", word("size=1g")), "?"),
                 (but(XRAY, "tmpfs", {"/var/lib/xray": "rw,noexec,nosuid,nodev,size=16m"}), "?"),
                 (but(XRAY, "mounts", plus({"type": "tmpfs", "target": "/cache"})), "?")),
        unknown=((unknown(XRAY, "tmpfs"), "?"),
                 (unknown(XRAY, "tmpfs.*"), "?"))),
    "docker-container-disallow-host-mounts": Cases(
        passing=(XRAY, WRITER, DATA, but(DATA, "driver", "local")),
        failing=((but(XRAY, "mounts", plus(_bind("/"))), "?"),
                 (but(XRAY, "mounts", plus(_bind("/srv/../etc/ssl"))), "?"),
                 (but(XRAY, "mounts", plus(_bind("/srv/data"))), "?"),
                 (but(XRAY, "volumes", [{"hostPath": "/root", "containerPath": "/host"}]), "?"),
                 (but(XRAY, "mounts.volumeOptions", {"driverOptions": {"device": "/etc"}}), "?"),
                 (but(DATA, "driverOpts", {"type": "none", "o": "bind", "device": "/etc"}), "?")),
        unknown=((unknown(XRAY, "volumes"), "?"),
                 (but(XRAY, "mounts", plus(_bind(UNKNOWN))), "?"),
                 (unknown(XRAY, "mounts.source"), SILENT))),
    "docker-container-disallow-docker-socket": Cases(
        passing=(XRAY, WRITER),
        failing=((but(XRAY, "mounts", plus(_bind("/var/run/docker.sock"))), "?"),
                 (but(XRAY, "mounts", plus(_bind("/run/containerd/containerd.sock"))), "?"),
                 (but(XRAY, "volumes", [{"hostPath": "/run/docker.sock", "containerPath": "/s"}]), "?"),
                 (but(XRAY, "envs", plus("DOCKER_HOST=unix:///s")), "?")),
        unknown=((unknown(XRAY, "volumes"), "?"),
                 (unknown(XRAY, "envs"), "?"))),
    "docker-container-disallow-shared-propagation": Cases(
        passing=(XRAY, but(XRAY, "mounts.bindOptions", {"propagation": "rprivate"})),
        failing=((but(XRAY, "mounts.bindOptions", {"propagation": "shared"}), "?"),
                 (but(XRAY, "mounts.bindOptions", {"propagation": "rshared"}), "?")),
        unknown=((but(XRAY, "mounts.bindOptions", {"propagation": UNKNOWN}), "?"),)),
    "docker-container-disallow-secret-env": Cases(
        passing=(XRAY, WRITER, but(XRAY, "envs", plus("ADMIN_PASSWORD_FILE=/run/secrets/admin"))),
        failing=((but(XRAY, "envs", plus("ADMIN_PASSWORD=of-a-test")), "?"),
                 (but(XRAY, "envs", plus(f"PEER={KEY}")), "?"),
                 (but(XRAY, "labels.value", UUID), "?"),
                 (but(XRAY, "command", ["--key", KEY]), "?"),
                 (but(XRAY, "command", [f"--certificate={PEM}"]), "?"),
                 (but(XRAY, "entrypoints", ["/bin/daemon", UUID]), "?"),
                 (but(XRAY, "healthcheck.tests", plus(UUID)), "?")),
        unknown=((unknown(XRAY, "envs"), "?"),
                 (but(XRAY, "envs", plus(UNKNOWN)), "?"),
                 (unknown(XRAY, "command"), "?"),
                 (unknown(XRAY, "labels.value"), SILENT))),
    "docker-container-upload-permissions": Cases(
        passing=(XRAY, WRITER, but(WRITER, "uploads.permissions", "0440"),
                 but(WRITER, "uploads.permissions", "0600")),
        failing=((but(WRITER, "uploads.permissions", "0644"), "?"),
                 (but(WRITER, "uploads.permissions", gone()), "?"),
                 (but(WRITER, "uploads.file", "/etc/passwd"), "?"),
                 (but(WRITER, "uploads.source", "/etc/shadow"), "?")),
        unknown=((unknown(WRITER, "uploads"), "?"),
                 (unknown(WRITER, "uploads.permissions"), "?"),
                 (unknown(WRITER, "uploads.content"), SILENT))),
    "docker-volume-protect": Cases(
        passing=(DATA, RENDERED),
        failing=((but(DATA, "protect", False), "?"),),
        not_applicable="protect is an option that the program writes; the engine knows it before anything"),
}
