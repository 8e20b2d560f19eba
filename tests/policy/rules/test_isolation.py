"""Namespaces, ports, networks, mounts and devices: what a container reaches, and who reaches it."""

from typing import Any

import pytest

from policy.resources import NETWORK, VOLUME
from tests.policy.asking import UNKNOWN, ask, assert_refused

HOST = "docker-container-disallow-host-namespaces"
RUNTIME = "docker-container-disallow-custom-runtime"
PORTS = "docker-container-only-caddy-publishes"
BIND = "docker-container-explicit-bind-ip"
PROJECT = "docker-container-project-network-only"
SUBNET = "docker-network-configure-subnet"
FOLDERS = "docker-container-disallow-host-mounts"
SOCKET = "docker-container-disallow-docker-socket"
SHARED = "docker-container-disallow-shared-propagation"
DEVICES = "docker-container-disallow-devices"
SYSCTLS = "docker-container-sysctl-allowlist"

XRAY, CADDY = {"name": "stealth-xray"}, {"name": "stealth-caddy"}
WIREGUARD = {"name": "stealth-wireguard"}
JOB = {"name": "stealth-xray-writer", "start": False, "mustRun": False}
EDGE = {"name": "stealth-vpn", "ipv4Address": "172.20.0.11"}
CONTROL = {"name": "stealth-control", "ipv4Address": "172.21.0.11"}
BRIDGE = {"name": "stealth-vpn", "driver": "bridge", "ipamConfigs": [{"subnet": "172.20.0.0/16"}]}
TUN = {"hostPath": "/dev/net/tun", "containerPath": "/dev/net/tun", "permissions": "rw"}


def bind(source: str, **more: Any) -> dict[str, Any]:
    return {"mounts": [{"type": "bind", "source": source, "target": "/x", "readOnly": True} | more]}


def port(inside: int, protocol: str = "tcp", **more: Any) -> dict[str, Any]:
    return {"ports": [{"internal": inside, "external": 80, "protocol": protocol} | more]}


@pytest.mark.parametrize(("policy", "props"), [
    (HOST, {}), (HOST, {"networkMode": "bridge", "ipcMode": "private"}), (RUNTIME, {"runtime": "runc", "init": False}),
    (PORTS, CADDY | port(443, "udp")), (PORTS, XRAY), (BIND, CADDY | port(80, ip="::")),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE | {"ipv6Address": "fd9c:3b1e:7a20:1::b"}, CONTROL]}),
    (PROJECT, CADDY | {"networksAdvanced": [EDGE | {"ipv4Address": "10.0.0.10"}]}),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE | {"name": UNKNOWN}, CONTROL | {"name": UNKNOWN}]}),
    (PROJECT, JOB | {"networkMode": "none"}),
    (FOLDERS, WIREGUARD | bind("/lib/modules")), (SOCKET, bind("/x")), (SHARED, bind("/x")),
    (DEVICES, WIREGUARD | {"devices": [TUN]}), (DEVICES, {"deviceRequests": [], "gpus": ""}),
    (SYSCTLS, WIREGUARD | {"sysctls": {"net.ipv4.ip_forward": "1"}}),
])
def test_what_the_services_have_passes(policy: str, props: dict[str, Any]) -> None:
    assert ask(policy, props) == []


@pytest.mark.parametrize(("policy", "props", "fault"), [
    (HOST, {"networkMode": "host"}, "networkMode is host"), (HOST, {"pidMode": "container:x"}, "pidMode is container,"),
    (HOST, {"ipcMode": "shareable"}, "ipcMode is shareable"),
    (HOST, {"usernsMode": UNKNOWN}, "usernsMode is not known"),
    (RUNTIME, {"runtime": "kata"}, "a runtime of its own"), (RUNTIME, {"cgroupParent": "/"}, "cgroupParent"),
    (RUNTIME, {"tty": True}, "tty is on"), (RUNTIME, {"logs": True}, "logs is on"), (RUNTIME, {"init": True}, "init"),
    (PORTS, {"name": "stealth-admin"} | port(8010), "admin: it publishes 8010/tcp"),
    (PORTS, CADDY | port(2019), "publishes 2019/tcp"), (PORTS, CADDY | port(80, "udp"), "publishes 80/udp"),
    (PORTS, CADDY | {"publishAllPorts": True}, "every port"), (PORTS, {"ports": UNKNOWN}, "ports is not known"),
    (BIND, CADDY | port(80), "on no address by name"),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE]}, "on 1 networks instead of 2"),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE, CONTROL | {"name": "bridge"}]}, "on the network bridge"),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE, CONTROL | {"ipv4Address": ""}]}, "no fixed private"),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE, CONTROL | {"ipv4Address": "8.8.8.11"}]}, "no fixed private"),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE, CONTROL | {"ipv4Address": "172.21.0.12"}]}, "the number 11"),
    (PROJECT, CADDY | {"networksAdvanced": [CONTROL | {"ipv4Address": "172.21.0.10"}]}, "network stealth-control"),
    (PROJECT, XRAY | {"networksAdvanced": [EDGE, CONTROL], "networkMode": "host"}, "networkMode is host"),
    (PROJECT, JOB, "on a network, but"),
    (FOLDERS, XRAY | bind("/lib/modules"), "the host's /lib/modules"),
    (FOLDERS, WIREGUARD | bind("/lib/modules/../../etc"), "the host's /lib/modules/../../etc"),
    (FOLDERS, WIREGUARD | bind("/lib/modules", readOnly=False), "may write the host's"),
    (FOLDERS, {"volumes": [{"hostPath": "/", "containerPath": "/host"}]}, "the host's / at /host"),
    (FOLDERS, bind("v", type="volume", volumeOptions={"driverName": "nfs"}), "has volumeOptions"),
    (FOLDERS, {"volumes": [{"fromContainer": "x", "containerPath": "/y"}]}, "of the type container"),
    (FOLDERS, bind(UNKNOWN), "mounts[0].source is not known"), (FOLDERS, bind("x", type=""), "of the type none"),
    (SOCKET, bind("/run/docker.sock"), "the engine's socket at /x"),
    (SOCKET, {"envs": ["DOCKER_HOST=tcp://1.2.3.4"]}, "DOCKER_HOST tells"),
    (SHARED, bind("/x", bindOptions={"propagation": "rshared"}), "is rshared"),
    (DEVICES, XRAY | {"devices": [TUN]}, "the device /dev/net/tun."),
    (DEVICES, WIREGUARD | {"devices": [TUN | {"permissions": "rwm"}]}, "other rights"),
    (DEVICES, {"gpus": "all"}, "graphics"), (DEVICES, {"deviceCgroupRules": ["a *:* rwm"]}, "deviceCgroupRules"),
    (SYSCTLS, XRAY | {"sysctls": {"net.ipv4.ip_forward": "1"}}, "it sets net.ipv4.ip_forward"),
    (SYSCTLS, WIREGUARD | {"sysctls": {"net.ipv4.ip_forward": "2"}}, "something else than 1"),
    (SYSCTLS, WIREGUARD | {"sysctls": {"kernel.x": UNKNOWN}}, "sysctls.kernel.x is not known"),
])
def test_a_way_out_or_in_is_refused(policy: str, props: dict[str, Any], fault: str) -> None:
    assert_refused(policy, props, fault)


@pytest.mark.parametrize("props", [
    BRIDGE, BRIDGE | {"name": "stealth-control", "internal": True},
    BRIDGE | {"ipv6": True, "ipamConfigs": [{"subnet": "172.20.0.0/16"}, {"subnet": "fd9c:3b1e:7a20:1::/64"}]}])
def test_the_project_s_networks_pass(props: dict[str, Any]) -> None:
    assert ask(SUBNET, props, NETWORK) == []


@pytest.mark.parametrize(("props", "fault"), [
    ({"driver": "macvlan"}, "driver is not bridge"), ({"attachable": True}, "it is attachable"),
    ({"internal": True}, "the server's traffic"), ({"name": "stealth-control"}, "leads out of the host"),
    ({"options": {"com.docker.network.bridge.host_binding_ipv4": "1.2.3.4"}}, "host_binding"),
    ({"ipamConfigs": [{"subnet": "8.8.0.0/16"}]}, "8.8.0.0/16 is not private"),
    ({"ipamConfigs": [{"subnet": UNKNOWN}]}, "ipamConfigs[0].subnet is not known"),
    ({"ipamConfigs": []}, "no IPv4 subnet"), ({"ipv6": True}, "IPv6 without"), ({"name": "other"}, "other is none of"),
])
def test_an_open_network_is_refused(props: dict[str, Any], fault: str) -> None:
    assert_refused(SUBNET, BRIDGE | props, fault, NETWORK)


def test_a_volume_that_is_a_folder_of_the_host_is_refused() -> None:
    assert ask(FOLDERS, {"name": "stealth-xray-data"}, VOLUME) == []
    assert_refused(FOLDERS, {"driverOpts": {"type": "none", "o": "bind", "device": "/"}}, "folder of the host", VOLUME)
    assert_refused(FOLDERS, {"driver": "nfs"}, "driver is not local", VOLUME)
