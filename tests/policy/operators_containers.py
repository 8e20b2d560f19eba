"""Every mutation of a container: what each hardening property of it may be weakened to."""

from tests.policy.changes import Change, Operator, also, gone, plus, to, without, word

DAEMONS = frozenset(f"stealth-{name}" for name in ("admin", "caddy", "singbox", "trojan", "wireguard", "xray"))
WRITERS = frozenset(f"{name}-writer" for name in DAEMONS)
CADDY, WIREGUARD = frozenset({"stealth-caddy"}), frozenset({"stealth-wireguard"})
EVERY = DAEMONS | WRITERS
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----"
KEY = "aGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3Qga2V5ISE="
UUID = "2f1c3a64-9d1b-4a57-8f5d-6f3b0f0c9a11"


def _each(policy: str, path: str, *changes: Change, on: frozenset[str] = DAEMONS) -> tuple[Operator, ...]:
    return tuple(Operator(policy=policy, path=path, change=change, on=on) for change in changes)


RIGHTS = (
    *_each("docker-container-disallow-privileged", "privileged", to(True), on=EVERY),
    *_each("docker-container-enable-no-new-privileges", "securityOpts",
           gone(), to([]), to(["no-new-privileges:false"]), to(["no-new-privileges=false"]), on=EVERY),
    *_each("docker-container-disallow-unconfined", "securityOpts", *map(plus, (
        "seccomp=unconfined", "seccomp:unconfined", "apparmor=unconfined", "apparmor:unconfined",
        "systempaths=unconfined", "label=disable", "label:disable")), on=EVERY),
    *_each("docker-container-drop-all-capabilities", "capabilities", gone(), to({}), on=EVERY),
    *_each("docker-container-drop-all-capabilities", "capabilities.drops",
           gone(), to([]), to(["NET_RAW", "SYS_CHROOT"]), on=EVERY),
    *_each("docker-container-capability-allowlist", "capabilities.adds", *map(plus, (
        "ALL", "CAP_SYS_ADMIN", "SYS_PTRACE", "cap_net_raw", "DAC_READ_SEARCH")), on=EVERY),
    *_each("docker-container-capability-allowlist", "capabilities.adds", plus("CAP_NET_ADMIN"), on=EVERY - WIREGUARD),
    *_each("docker-container-capability-allowlist", "capabilities.adds", plus("CAP_SYS_MODULE"), on=WIREGUARD),
    *_each("docker-container-non-root", "user",
           gone(), to("root"), to("0"), to("0:0"), to("10001:0"), to("10001"), on=DAEMONS - WIREGUARD),
    *_each("docker-container-non-root", "user", gone(), to("root"), on=WIREGUARD),
    *_each("docker-container-non-root", "groupAdds", plus("0"), plus("root"), plus("docker"), on=EVERY),
)

FILES = (
    *_each("docker-container-enable-read-only-rootfs", "readOnly", gone(), to(False)),
    *_each("docker-container-enable-read-only-rootfs", "mounts.readOnly", gone(), to(False)),
    *_each("docker-container-configure-tmpfs", "tmpfs.*",
           without("noexec"), without("nosuid"), without("nodev"), without("size"),
           word("exec"), word("suid"), word("dev"), word("size=64g"), word("size=50%"), word("nr_blocks=0"), to("")),
    *_each("docker-container-configure-tmpfs", "tmpfs", gone()),
    *_each("docker-container-configure-tmpfs", "tmpfs", also("/etc/stealth", "rw,noexec,nosuid,nodev,size=16m")),
    *_each("docker-container-disallow-host-mounts", "volumes", *(
        to([{"hostPath": path, "containerPath": "/host", "readOnly": True}])
        for path in ("/", "/etc", "/home/../etc", "/srv/data")), on=EVERY),
    *_each("docker-container-disallow-host-mounts", "mounts", *(
        plus({"type": "bind", "source": path, "target": "/host", "readOnly": True})
        for path in ("/", "/etc", "/etc/../root", "/proc", "/sys/kernel", "/dev", "/boot", "/usr/bin", "/lib",
                     "/root", "/var/lib/docker/volumes", "/srv/data")), on=EVERY),
    *_each("docker-container-disallow-host-mounts", "mounts.volumeOptions",
           to({"driverOptions": {"type": "none", "o": "bind", "device": "/etc"}}), to({"driverName": "nfs"}), on=EVERY),
    *_each("docker-container-volume-allowlist", "mounts.source",
           to("stealth-other-data"), to("stealth-other-rendered"), to("stealth-certificates"), to(""), on=EVERY),
    *_each("docker-container-volume-allowlist", "mounts.target", to("/other"), to("/etc"), on=EVERY),
    *_each("docker-container-volume-allowlist", "mounts", *(
        plus({"type": "volume", "source": name, "target": "/other", "readOnly": True})
        for name in ("stealth-admin-rendered", "stealth-caddy-data")), on=EVERY),
    *(Operator(policy="resource-disallow-unknown-properties", path=path, change=to(value), on=EVERY)
      for path, value in (
        ("entrypoints", ["/usr/sbin/sshd", "-D"]), ("hosts", [{"host": "admin", "ip": "192.0.2.1"}]),
        ("dns", ["192.0.2.1"]), ("shmSize", 4096.0), ("workingDir", "/data"),
        ("mounts.tmpfsOptions", {"mode": 511.0}))),
    *_each("resource-disallow-unknown-properties", "networksAdvanced.aliases", to(["stealth-admin"])),
    *_each("resource-disallow-unknown-properties", "networksAdvanced.driverOpts",
           to(["com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.route_localnet=1"])),
    *_each("docker-container-disallow-docker-socket", "mounts", *(
        plus({"type": "bind", "source": path, "target": "/run/engine.sock", "readOnly": True})
        for path in ("/var/run/docker.sock", "/run/containerd/containerd.sock")), on=EVERY),
    *_each("docker-container-disallow-docker-socket", "volumes",
           to([{"hostPath": "/run/docker.sock", "containerPath": "/run/docker.sock"}]), on=EVERY),
    *_each("docker-container-disallow-docker-socket", "envs", plus("DOCKER_HOST=tcp://172.20.0.1:2375"), on=EVERY),
    *_each("docker-container-disallow-shared-propagation", "mounts.bindOptions",
           to({"propagation": "shared"}), to({"propagation": "rshared"}), on=EVERY),
    *_each("docker-container-disallow-secret-env", "envs", *map(plus, (
        "ADMIN_PASSWORD=hunter2hunter2", "API_TOKEN=abcdefgh", "SECRET_KEY=abcdefgh", f"PEER={KEY}", f"ID={UUID}",
        f"CERTIFICATE={PEM}", "DSN=host=db password=hunter2hunter2", "PSK=hunter2", f"X={'0a' * 24}")), on=EVERY),
    *_each("docker-container-disallow-secret-env", "logOpts", also("tag", KEY), on=EVERY),
    *_each("docker-container-disallow-secret-env", "hostname", to(UUID), on=EVERY),
    *_each("docker-container-disallow-secret-env", "labels.value", to(KEY), to(UUID), to(PEM), on=EVERY),
    *_each("docker-container-disallow-secret-env", "command", *map(plus, (KEY, UUID, PEM, f"--id={UUID}")), on=EVERY),
    *_each("docker-container-disallow-secret-env", "entrypoints", to(["/bin/daemon", KEY]), on=EVERY),
    *_each("docker-container-disallow-secret-env", "healthcheck.tests", plus(UUID)),
    *_each("docker-container-upload-permissions", "uploads.permissions",
           gone(), to("0644"), to("0444"), to("0777"), to("4755"), to("0602"), on=WRITERS),
    *_each("docker-container-upload-permissions", "uploads.file",
           to("/etc/passwd"), to("/etc/stealth/../passwd"), on=WRITERS),
    *_each("docker-container-upload-permissions", "uploads.source",
           to("/etc/shadow"), to("../../other/key"), on=WRITERS),
)

REACH = (
    *_each("docker-container-disallow-host-namespaces", "networkMode", to("host"), to("container:other"), on=EVERY),
    *_each("docker-container-disallow-host-namespaces", "pidMode", to("host"), to("container:other"), on=EVERY),
    *_each("docker-container-disallow-host-namespaces", "ipcMode",
           to("host"), to("shareable"), to("container:other"), on=EVERY),
    *_each("docker-container-disallow-host-namespaces", "usernsMode", to("host"), on=EVERY),
    *_each("docker-container-disallow-host-namespaces", "cgroupnsMode", to("host"), on=EVERY),
    *_each("docker-container-only-caddy-publishes", "publishAllPorts", to(True), on=EVERY),
    *_each("docker-container-only-caddy-publishes", "ports", *(
        plus({"internal": number, "external": number, "ip": "127.0.0.1", "protocol": "tcp"})
        for number in (80, 443, 8010)), on=EVERY - CADDY),
    *_each("docker-container-only-caddy-publishes", "ports", *(
        plus({"internal": number, "external": number, "ip": "0.0.0.0", "protocol": kind})  # noqa: S104 - the fault
        for number, kind in ((22, "tcp"), (2019, "tcp"), (80, "udp"))), on=CADDY),
    *_each("docker-container-only-caddy-publishes", "ports",
           plus({"internal": 443.0, "external": 22.0, "ip": "0.0.0.0", "protocol": "tcp"}), on=CADDY),  # noqa: S104 - so
    *_each("docker-container-only-caddy-publishes", "ports.internal", to(2019.0), on=CADDY),
    *_each("docker-container-only-caddy-publishes", "ports.protocol", to("sctp"), on=CADDY),
    *_each("docker-container-project-network-only", "networksAdvanced", gone(), to([]), plus({"name": "bridge"}),
           plus({"name": "other", "ipv4Address": "10.0.0.9"})),
    *_each("docker-container-project-network-only", "networksAdvanced.name", to("bridge"), to("other")),
    *_each("docker-container-project-network-only", "networksAdvanced.ipv4Address", gone(), to("8.8.8.8")),
    *_each("docker-container-project-network-only", "networksAdvanced",
           plus({"name": "stealth-control", "ipv4Address": "172.21.0.10"}), on=CADDY),
    *_each("docker-container-project-network-only", "networkMode", to("bridge"), to("default"), gone(), on=WRITERS),
    *_each("docker-container-disallow-devices", "devices",
           plus({"hostPath": "/dev/kmsg", "containerPath": "/dev/kmsg", "permissions": "r"}), on=EVERY),
    *_each("docker-container-disallow-devices", "devices",
           plus({"hostPath": "/dev/net/tun", "containerPath": "/dev/net/tun", "permissions": "rw"}),
           on=EVERY - WIREGUARD),
    *_each("docker-container-disallow-devices", "devices.hostPath", to("/dev/sda"), on=WIREGUARD),
    *_each("docker-container-disallow-devices", "devices.permissions", to("rwm"), gone(), on=WIREGUARD),
    *_each("docker-container-disallow-devices", "deviceRequests", to([{"driver": "nvidia", "count": -1}]), on=EVERY),
    *_each("docker-container-disallow-devices", "deviceCgroupRules", to(["a *:* rwm"]), on=EVERY),
    *_each("docker-container-disallow-devices", "gpus", to("all"), on=EVERY),
    *_each("docker-container-sysctl-allowlist", "sysctls", also("kernel.msgmax", "65536"),
           also("net.ipv4.conf.all.accept_redirects", "1"), on=EVERY),
    *_each("docker-container-sysctl-allowlist", "sysctls", also("net.ipv4.ip_forward", "1"), on=EVERY - WIREGUARD),
)

LIMITS = (
    *_each("docker-container-configure-memory", "memory", gone(), to(0.0), to(-1.0), to(1048576.0)),
    *_each("docker-container-configure-memory", "memorySwap", gone(), to(-1.0), to(0.0), to(4096.0)),
    *_each("docker-container-configure-cpu", "cpus", gone(), to(""), to("0")),
    *_each("docker-container-configure-cpu", "cpuShares", gone(), to(0.0)),
    *_each("docker-container-configure-ulimits", "ulimits", gone(), to([]), without("nofile"), without("nproc")),
    *_each("docker-container-configure-ulimits", "ulimits.hard", gone(), to(-1.0)),
    *_each("docker-container-configure-healthcheck", "healthcheck", gone()),
    *_each("docker-container-configure-healthcheck", "healthcheck.tests", gone(), to([]), to(["NONE"])),
    *_each("docker-container-configure-healthcheck", "healthcheck.interval", gone(), to("10m"), to("1h0m0s")),
    *_each("docker-container-configure-healthcheck", "healthcheck.retries", gone(), to(0.0)),
    *_each("docker-container-configure-restart", "restart",
           gone(), to("no"), to("on-failure"), to("unless-stopped")),
    *_each("docker-container-configure-restart", "mustRun", to(False)),
    *_each("docker-container-configure-restart", "restart", to("always"), on=WRITERS),
    *_each("docker-container-configure-restart", "start", gone(), to(True), on=WRITERS),
    *_each("docker-container-configure-restart", "mustRun", gone(), to(True), on=WRITERS),
    *_each("docker-container-configure-logging", "logDriver", gone(), to("none"), to("gelf"), to("syslog")),
    *_each("docker-container-configure-logging", "logOpts", gone(), to({}), without("max-size"), without("max-file"),
           also("max-size", "999999g"), also("tag", "elsewhere")),
    *_each("docker-container-disallow-custom-runtime", "runtime", to("runc-without-seccomp"), on=EVERY),
    *_each("docker-container-disallow-custom-runtime", "cgroupParent", to("/"), on=EVERY),
    *_each("docker-container-disallow-custom-runtime", "tty", to(True), on=EVERY),
    *_each("docker-container-disallow-custom-runtime", "stdinOpen", to(True), on=EVERY),
    *_each("docker-image-pinned-digest", "image",
           to("nginx:latest"), to("stealth-vpn/xray:local"), to("alpine"), on=EVERY),
)

OPERATORS = (*RIGHTS, *FILES, *REACH, *LIMITS)
