"""A machine and a server with which nothing is wrong, in the words of the programs that tell of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ops.operations.doctor.facts import Facts
from tests.ops.operations.fakes import NAMES

BRIDGE, CONTROL_BRIDGE = "br-0123456789ab", "br-ba9876543210"
FIREWALL = f"""\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o {BRIDGE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o {BRIDGE} -j DOCKER
-A FORWARD -i {BRIDGE} ! -o {BRIDGE} -j ACCEPT
-A DOCKER -d 172.20.0.10/32 ! -i {BRIDGE} -o {BRIDGE} -p tcp -m tcp --dport 443 -j ACCEPT
-A DOCKER -d 172.20.0.10/32 ! -i {BRIDGE} -o {BRIDGE} -p udp -m udp --dport 443 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.20.0.0/16 ! -o {BRIDGE} -j MASQUERADE
-A DOCKER -i {BRIDGE} -j RETURN
-A DOCKER ! -i {BRIDGE} -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.20.0.10:443
-A DOCKER ! -i {BRIDGE} -p udp -m udp --dport 443 -j DNAT --to-destination 172.20.0.10:443
COMMIT
"""
VOLUME = "/var/lib/docker/volumes/stealth-xray-data/_data"
PARTS = {
    "user": "0", "synchronised": "yes", "enabled": "enabled",
    "memory": "MemTotal:        2097152 kB\nMemAvailable:    1048576 kB\nSwapTotal:             0 kB",
    "disk": "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 41943040 10485760 29360128 27% /",
    "inodes": "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/vda1 2621440 200000 2421440 8% /",
    "filesystems": "/dev/vda1 / ext4 rw,relatime 0 0", "tun": "a:c8",
    "parameters": "net/ipv4/ip_forward:1\nnet/netfilter/nf_conntrack_count:10\nnet/netfilter/nf_conntrack_max:65536\n"
                  "fs/file-nr:1000\t0\t9223372036854775807",
    "listeners": "", "programs": "",
    "links": f"eth0 1500 0x1003\n{BRIDGE} 1500 0x1003\n{CONTROL_BRIDGE} 1500 0x1003",
    "routes": f"default via 198.51.100.1 dev eth0\n198.51.100.0/24 dev eth0 proto kernel scope link\n"
              f"172.20.0.0/16 dev {BRIDGE} proto kernel\n172.21.0.0/24 dev {CONTROL_BRIDGE} proto kernel",
    "routes6": "", "firewall": FIREWALL, "nftables": "", "uptime": "100000.00 1.00", "kills": "",
    "files": f"10002 10002 755 d {VOLUME}\n10002 10002 600 f {VOLUME}/users.json",
}


def facts(**changes: str) -> Facts:
    """Return what the machine tells."""
    return Facts(parts=PARTS | changes)


def info(**changes: Any) -> str:
    """Return what `docker info` prints."""
    return json.dumps({"MemoryLimit": True, "CpuCfsQuota": True, "IPv4Forwarding": True, "DockerRootDir": "/",
                       "SystemTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"), **changes})


def members(octet: str, *left: str) -> Mapping[str, Any]:
    """Return the containers of a network but those that left it."""
    numbers = {"caddy": 10, "xray": 11, "trojan": 12, "singbox": 13, "wireguard": 14, "admin": 15}
    return {name: {"Name": f"stealth-{name}", "IPv4Address": f"172.{octet}.0.{numbers[name]}/16"}
            for name in NAMES if name not in left}


def edge(**changes: Any) -> str:
    """Return what `docker network inspect` prints of the network that traffic takes."""
    return json.dumps([{"Id": BRIDGE.removeprefix("br-") + "00", "IPAM": {"Config": [{"Subnet": "172.20.0.0/16"}]},
                        "Containers": members("20"), **changes}])


def control(**changes: Any) -> str:
    """Return the same of the panel's network."""
    return json.dumps([{"Id": CONTROL_BRIDGE.removeprefix("br-") + "00",
                        "IPAM": {"Config": [{"Subnet": "172.21.0.0/24"}]},
                        "Containers": members("21", "caddy"), **changes}])
