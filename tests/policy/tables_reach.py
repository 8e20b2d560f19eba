"""Cases of the policies on networks, ports and limits."""

from tests.engine import NETWORK
from tests.policy.cases import SILENT, Cases, but, real, unknown
from tests.policy.changes import gone, plus, without

XRAY, CADDY, WIREGUARD = real("stealth-xray"), real("stealth-caddy"), real("stealth-wireguard")
WRITER = real("stealth-xray-writer")
EDGE, CONTROL = real("stealth-vpn", NETWORK), real("stealth-control", NETWORK)
PLACES = [{"name": "stealth-vpn", "ipv4Address": "172.20.0.10"},
          {"name": "stealth-control", "ipv4Address": "172.21.0.10"}]
PORT = {"internal": 8010.0, "external": 8010.0, "ip": "0.0.0.0", "protocol": "tcp"}  # noqa: S104 - the fault

REACH = {
    "docker-container-only-caddy-publishes": Cases(
        passing=(CADDY, XRAY, WRITER, but(XRAY, "ports", gone()), but(CADDY, "ports.external", 8443.0)),
        failing=((but(XRAY, "ports", [PORT]), "?"),
                 (but(CADDY, "ports", plus(PORT)), "?"),
                 (but(CADDY, "ports.internal", 2019.0), "?"),
                 (but(CADDY, "publishAllPorts", True), "?")),
        unknown=((unknown(XRAY, "ports"), "?"),
                 (unknown(CADDY, "ports.internal"), "?"))),
    "docker-container-explicit-bind-ip": Cases(
        passing=(CADDY, XRAY),
        failing=((but(CADDY, "ports.ip", gone()), "?"),
                 (but(CADDY, "ports.ip", ""), "?")),
        unknown=((unknown(CADDY, "ports.ip"), "?"),)),
    "docker-container-project-network-only": Cases(
        passing=(XRAY, CADDY, WRITER),
        failing=((but(XRAY, "networksAdvanced", gone()), "?"),
                 (but(XRAY, "networksAdvanced.name", "bridge"), "?"),
                 (but(XRAY, "networksAdvanced.ipv4Address", gone()), "?"),
                 (but(XRAY, "networksAdvanced.ipv4Address", "10.1.2.3"), "?"),
                 (but(CADDY, "networksAdvanced", PLACES), "?"),
                 (but(WRITER, "networkMode", "bridge"), "?")),
        unknown=((unknown(XRAY, "networksAdvanced"), "?"),
                 (unknown(XRAY, "networksAdvanced.ipv4Address"), "?"),
                 (unknown(XRAY, "networksAdvanced.name"), SILENT))),
    "docker-network-configure-subnet": Cases(
        passing=(EDGE, CONTROL, but(EDGE, "attachable", False)),
        failing=((but(EDGE, "driver", "macvlan"), "?"),
                 (but(EDGE, "ipamConfigs", gone()), "?"),
                 (but(EDGE, "ipamConfigs.subnet", "8.8.8.0/24"), "?"),
                 (but(EDGE, "attachable", True), "?"),
                 (but(EDGE, "options", {"com.docker.network.bridge.host_binding_ipv4": "0.0.0.0"}), "?"),  # noqa: S104
                 (but(CONTROL, "internal", gone()), "?")),
        unknown=((unknown(EDGE, "ipamConfigs"), "?"),
                 (unknown(EDGE, "driver"), "?"))),
    "docker-container-configure-memory": Cases(
        passing=(XRAY, WRITER, but(but(XRAY, "memory", 64.0), "memorySwap", 64.0)),
        failing=((but(XRAY, "memory", gone()), "?"),
                 (but(XRAY, "memory", 0.0), "?"),
                 (but(XRAY, "memory", 1048576.0), "?"),
                 (but(XRAY, "memorySwap", gone()), "?"),
                 (but(XRAY, "memorySwap", -1.0), "?")),
        unknown=((unknown(XRAY, "memory"), "?"),)),
    "docker-container-configure-cpu": Cases(
        passing=(XRAY, WRITER, but(XRAY, "cpuShares", gone())),
        failing=((but(XRAY, "cpus", gone()), "?"),
                 (but(XRAY, "cpus", "0"), "?"),
                 (but(but(XRAY, "cpus", gone()), "cpuShares", gone()), "?")),
        unknown=((unknown(XRAY, "cpus"), "?"),)),
    "docker-container-configure-ulimits": Cases(
        passing=(XRAY, WRITER),
        failing=((but(XRAY, "ulimits", gone()), "?"),
                 (but(XRAY, "ulimits", without("nproc")), "?"),
                 (but(XRAY, "ulimits", without("nofile")), "?"),
                 (but(XRAY, "ulimits.hard", -1.0), "?")),
        unknown=((unknown(XRAY, "ulimits"), "?"),)),
    "docker-container-configure-healthcheck": Cases(
        passing=(XRAY, WRITER, but(XRAY, "healthcheck.interval", "1m0s")),
        failing=((but(XRAY, "healthcheck", gone()), "?"),
                 (but(XRAY, "healthcheck.tests", ["NONE"]), "?"),
                 (but(XRAY, "healthcheck.interval", "2m"), "?"),
                 (but(XRAY, "healthcheck.retries", gone()), "?")),
        unknown=((unknown(XRAY, "healthcheck"), "?"),
                 (unknown(XRAY, "healthcheck.interval"), "?"))),
    "docker-container-configure-restart": Cases(
        passing=(XRAY, WRITER),
        failing=((but(XRAY, "restart", "on-failure"), "?"),
                 (but(XRAY, "restart", gone()), "?"),
                 (but(XRAY, "mustRun", False), "?"),
                 (but(WRITER, "restart", "always"), "?"),
                 (but(WRITER, "start", True), "?")),
        unknown=((unknown(XRAY, "restart"), "?"),)),
    "docker-container-configure-logging": Cases(
        passing=(XRAY, WRITER, but(XRAY, "logDriver", "local")),
        failing=((but(XRAY, "logDriver", "none"), "?"),
                 (but(XRAY, "logDriver", gone()), "?"),
                 (but(XRAY, "logOpts", without("max-size")), "?"),
                 (but(XRAY, "logOpts", without("max-file")), "?")),
        unknown=((unknown(XRAY, "logDriver"), "?"),
                 (unknown(XRAY, "logOpts"), "?"))),
}
