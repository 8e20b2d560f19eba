"""Cases of the policies on what a container may write and mount, and on where secrets may stand."""

from tests.engine import NETWORK, VOLUME
from tests.policy.cases import SILENT, Cases, but, real, unknown
from tests.policy.changes import also, gone, plus, without, word
from tests.policy.judge import UNKNOWN
from tests.policy.operators_containers import KEY, PEM, UUID
from tests.policy.program import PROVIDER

XRAY, CADDY, WIREGUARD = real("stealth-xray"), real("stealth-caddy"), real("stealth-wireguard")
WRITER = real("stealth-xray-writer")
DATA, RENDERED = real("stealth-xray-data", VOLUME), real("stealth-xray-rendered", VOLUME)

SECOND_SPELLINGS: tuple[tuple[str, object, str], ...] = (
    ("envs", plus("DSN=host=db user=panel password=of-a-test"), "envs gives DSN a text with a value for password"),
    ("envs", plus('CONFIG={"password":"of-a-test"}'), "envs gives CONFIG a text with a value for password"),
    ("envs", plus("ARGUMENTS=--token of-a-test"), "envs gives ARGUMENTS a text with a value for token"),
    *(("envs", plus(f"{name}=of-a-test"), f"envs gives a value to {name}")
      for name in ("PSK", "SEED", "DB_PWD", "AUTH", "BEARER", "PG_PASSFILE_PROFILE")),
    ("envs", plus(f"X={'0a' * 24}"), "envs gives X what looks like a hexadecimal key"),
    ("envs", plus(f"X={'0a' * 64}"), "envs gives X what looks like a hexadecimal key"),
    ("command", ["sh", "-c", "tool --password of-a-test"], "command gives a value to password"),
    ("healthcheck.tests", ["CMD-SHELL", "curl -H 'Authorization: Bearer x' http://a"],
     "healthcheck.tests[1] looks like a login"),
    ("healthcheck.tests", ["CMD-SHELL", "curl -u admin:of-a-test http://a"], "healthcheck.tests[1] looks like a login"),
    ("labels.value", "token=of-a-test", "the label org.stealth-vpn.project gives a value to token"),
    ("logOpts", also("tag", PEM), "logOpts.tag looks like a PEM block"),
    ("logOpts", also("splunk-token", "of-a-test"), "logOpts.splunk-token gives a value to splunk-token"),
    ("hostname", UUID, "hostname looks like a UUID"),
    ("domainname", "password=of-a-test", "domainname gives a value to password"),
    ("sysctls", {"kernel.x": KEY}, "sysctls.kernel.x looks like a random key"),
    ("hosts", [{"host": UUID, "ip": "192.0.2.1"}], "hosts[0].host looks like a UUID"),
)


def _bind(source: str) -> dict[str, object]:
    return {"type": "bind", "source": source, "target": "/host", "readOnly": True}


def _volume(source: str, target: str) -> dict[str, object]:
    return {"type": "volume", "source": source, "target": target, "readOnly": True}


FILES = {
    "docker-container-enable-read-only-rootfs": Cases(
        passing=(XRAY, WRITER),
        failing=((but(XRAY, "readOnly", gone()),
                  "xray: it can write its root file system, and so its own programs"),
                 (but(XRAY, "readOnly", False),
                  "xray: it can write its root file system, and so its own programs"),
                 (but(XRAY, "mounts.readOnly", False),
                  "xray: it can write what is mounted at /etc/stealth")),
        unknown=((unknown(XRAY, "readOnly"),
                  "xray: readOnly is not known before the deploy; write it as a constant"),)),
    "docker-container-configure-tmpfs": Cases(
        passing=(XRAY, WRITER, but(XRAY, "tmpfs.*", word("mode=1777"))),
        failing=((but(XRAY, "tmpfs", gone()), "xray: it has no tmpfs at /run"),
                 (but(XRAY, "tmpfs.*", without("noexec")),
                  "xray: its tmpfs at /run may hold programs, setuid files or devices"),
                 (but(XRAY, "tmpfs.*", word("exec")),
                  "xray: its tmpfs at /run may hold programs, setuid files or devices"),
                 (but(XRAY, "tmpfs.*", without("size")),
                  "xray: its tmpfs at /run has no size of at most 64m"),
                 (but(XRAY, "tmpfs.*", word("size=1g")),
                  "xray: its tmpfs at /run has no size of at most 64m"),
                 (but(XRAY, "tmpfs.*", word("size=50%")),
                  "xray: its tmpfs at /run has the option size=50%, which may take another back"),
                 (but(XRAY, "tmpfs.*", word("nr_blocks=0")),
                  "xray: its tmpfs at /run has the option nr_blocks=0, which may take another back"),
                 (but(XRAY, "tmpfs.*", word("mode=4777")),
                  "xray: its tmpfs at /run has the option mode=4777, which may take another back"),
                 (but(XRAY, "tmpfs", {"/var/lib/xray": "rw,noexec,nosuid,nodev,size=16m"}),
                  "xray: it has a tmpfs at /var/lib/xray, over what it should read or keep there"),
                 (but(XRAY, "mounts", plus({"type": "tmpfs", "target": "/cache"})),
                  "xray: it has a mount of the type tmpfs at /cache, whose options nobody can set")),
        unknown=((unknown(XRAY, "tmpfs"),
                  "xray: tmpfs is not known before the deploy; write it as a constant"),
                 (unknown(XRAY, "tmpfs.*"),
                  "xray: tmpfs./run is not known before the deploy; write it as a constant"))),
    "docker-container-disallow-host-mounts": Cases(
        passing=(XRAY, WRITER, DATA, but(DATA, "driver", "local")),
        failing=((but(XRAY, "mounts", plus(_bind("/"))),
                  "xray: it gets the host's / at /host"),
                 (but(XRAY, "mounts", plus(_bind("/srv/../etc/ssl"))),
                  "xray: it gets the host's /srv/../etc/ssl at /host"),
                 (but(XRAY, "mounts", plus(_bind("/srv/data"))),
                  "xray: it gets the host's /srv/data at /host"),
                 (but(XRAY, "volumes", [{"hostPath": "/root", "containerPath": "/host"}]),
                  "xray: it gets the host's /root at /host"),
                 (but(XRAY, "mounts.volumeOptions", {"driverOptions": {"device": "/etc"}}),
                  "xray: what is mounted at /etc/stealth has volumeOptions, by which it can be a folder of the host"),
                 (but(DATA, "driverOpts", {"type": "none", "o": "bind", "device": "/etc"}),
                  "xray-data: it has driverOpts, by which a volume can be a folder of the host")),
        unknown=((unknown(XRAY, "volumes"),
                  "xray: volumes is not known before the deploy; write it as a constant"),
                 (but(XRAY, "mounts", plus(_bind(UNKNOWN))),
                  "xray: mounts[2].source is not known before the deploy; write it as a constant"),
                 (unknown(XRAY, "mounts.source"), SILENT))),
    "docker-container-volume-allowlist": Cases(
        passing=(XRAY, WRITER, CADDY, but(CADDY, "mounts", plus(_volume("stealth-site-0123456789ab", "/srv/site"))),
                 but(real("stealth-singbox"), "mounts", plus(_volume(
                     "stealth-certificates", "/var/lib/certificates")))),
        failing=((but(XRAY, "mounts.source", "stealth-admin-data"),
                  "xray: it has the volume stealth-admin-data at /var/lib/xray instead of stealth-xray-data"),
                 (but(XRAY, "mounts.source", "stealth-admin-rendered"),
                  "xray: it has the volume stealth-admin-rendered at /etc/stealth instead of stealth-xray-rendered"),
                 (but(XRAY, "mounts.source", ""),
                  "xray: it has the volume without a name at /var/lib/xray instead of stealth-xray-data"),
                 (but(XRAY, "mounts", plus(_volume("stealth-admin-rendered", "/x"))),
                  "xray: it has a volume at /x, where it has none of its own"),
                 (but(XRAY, "mounts", plus(_volume("stealth-certificates", "/var/lib/certificates"))),
                  "xray: it has a volume at /var/lib/certificates, where it has none of its own"),
                 (but(CADDY, "mounts", plus(_volume("stealth-site-other", "/srv/site"))),
                  "caddy: it has the volume stealth-site-other at /srv/site instead of stealth-site-#"),
                 (but(WRITER, "mounts.source", "stealth-admin-rendered"),
                  "xray-writer: it has the volume stealth-admin-rendered at /etc/stealth instead of "
                  "stealth-xray-rendered"),
                 (but(XRAY, "volumes", [{"volumeName": "stealth-admin-data", "containerPath": "/var/lib/admin"}]),
                  "xray: it has a volume at /var/lib/admin, where it has none of its own")),
        unknown=((unknown(XRAY, "mounts.source"), SILENT),
                 (unknown(XRAY, "mounts.target"),
                  "xray: mounts[0].target is not known before the deploy; write it as a constant"))),
    "docker-container-disallow-docker-socket": Cases(
        passing=(XRAY, WRITER),
        failing=((but(XRAY, "mounts", plus(_bind("/var/run/docker.sock"))),
                  "xray: it gets the engine's socket at /host"),
                 (but(XRAY, "mounts", plus(_bind("/run/containerd/containerd.sock"))),
                  "xray: it gets the engine's socket at /host"),
                 (but(XRAY, "volumes", [{"hostPath": "/run/docker.sock", "containerPath": "/s"}]),
                  "xray: it gets the engine's socket at /s"),
                 (but(XRAY, "envs", plus("DOCKER_HOST=unix:///s")),
                  "xray: DOCKER_HOST tells it where an engine is")),
        unknown=((unknown(XRAY, "volumes"),
                  "xray: volumes is not known before the deploy; write it as a constant"),
                 (unknown(XRAY, "envs"),
                  "xray: envs is not known before the deploy; write it as a constant"))),
    "docker-container-disallow-shared-propagation": Cases(
        passing=(XRAY, but(XRAY, "mounts.bindOptions", {"propagation": "rprivate"})),
        failing=((but(XRAY, "mounts.bindOptions", {"propagation": "shared"}),
                  "xray: its mount at /etc/stealth is shared"),
                 (but(XRAY, "mounts.bindOptions", {"propagation": "rshared"}),
                  "xray: its mount at /etc/stealth is rshared")),
        unknown=((but(XRAY, "mounts.bindOptions", {"propagation": UNKNOWN}),
                  "xray: mounts[0].bindOptions.propagation is not known before the deploy; write it as a constant"),)),
    "docker-container-disallow-secret-env": Cases(
        passing=(XRAY, WRITER, but(XRAY, "envs", plus("ADMIN_PASSWORD_FILE=/run/secrets/admin"))),
        failing=((but(XRAY, "envs", plus("ADMIN_PASSWORD=of-a-test")),
                  "xray: envs gives a value to ADMIN_PASSWORD"),
                 (but(XRAY, "envs", plus(f"PEER={KEY}")),
                  "xray: envs gives PEER what looks like a random key"),
                 (but(XRAY, "labels.value", UUID),
                  "xray: the label org.stealth-vpn.project looks like a UUID"),
                 (but(XRAY, "command", ["--key", KEY]),
                  "xray: command gives a value to key"),
                 (but(XRAY, "command", [f"--certificate={PEM}"]),
                  "xray: command[0] looks like a PEM block"),
                 (but(XRAY, "entrypoints", ["/bin/daemon", UUID]),
                  "xray: entrypoints[1] looks like a UUID"),
                 *((but(XRAY, path, change), f"xray: {message}") for path, change, message in SECOND_SPELLINGS),
                 (but(real("engine", PROVIDER), "host", "ssh://deploy:of-a-test@vpn.example.com"),
                  "engine: host looks like an address with a password"),
                 (but(WRITER, "uploads.file", f"/etc/stealth/{UUID}"),
                  "xray-writer: uploads[0].file looks like a UUID"),
                 (but(real("stealth-vpn", NETWORK), "options", {"x": "--token of-a-test"}),
                  "vpn: options.x gives a value to token"),
                 (but(DATA, "driverOpts", {"o": "username=a,password=of-a-test"}),
                  "xray-data: driverOpts.o gives a value to password"),
                 (but(XRAY, "healthcheck.tests", plus(UUID)),
                  "xray: healthcheck.tests[6] looks like a UUID")),
        unknown=((unknown(XRAY, "envs"),
                  "xray: envs is not known before the deploy; write it as a constant"),
                 (but(XRAY, "envs", plus(UNKNOWN)),
                  "xray: envs[1] is not known before the deploy; write it as a constant"),
                 (unknown(XRAY, "command"),
                  "xray: command is not known before the deploy; write it as a constant"),
                 (unknown(XRAY, "labels.value"),
                  "xray: the label org.stealth-vpn.project is not known before the deploy, so it may come from a "
                  "secret"))),
    "docker-container-upload-permissions": Cases(
        passing=(XRAY, WRITER, but(WRITER, "uploads.permissions", "0440"),
                 but(WRITER, "uploads.permissions", "0600")),
        failing=((but(WRITER, "uploads.permissions", "0644"),
                  "xray-writer: /etc/stealth/agent.json has other permissions than 0400 or 0440 or 0600"),
                 (but(WRITER, "uploads.permissions", gone()),
                  "xray-writer: /etc/stealth/agent.json has other permissions than 0400 or 0440 or 0600"),
                 (but(WRITER, "uploads.file", "/etc/passwd"),
                  "xray-writer: /etc/passwd lies in no volume of the job"),
                 (but(WRITER, "uploads.source", "/etc/shadow"),
                  "xray-writer: /etc/stealth/agent.json comes from outside the project")),
        unknown=((unknown(WRITER, "uploads"),
                  "xray-writer: uploads is not known before the deploy; write it as a constant"),
                 (unknown(WRITER, "uploads.permissions"),
                  "xray-writer: uploads[0].permissions is not known before the deploy; write it as a constant"),
                 (unknown(WRITER, "uploads.content"), SILENT))),
    "docker-volume-protect": Cases(
        passing=(DATA, RENDERED),
        failing=((but(DATA, "protect", False),
                  "xray-data: a destroy takes it away with all that is in it"),),
        not_applicable="protect is an option that the program writes; the engine knows it before anything"),
}
