import pytest

from ops.verify import rights
from ops.verify.checks import Verdict
from ops.verify.inspect import touches
from ops.verify.promises import Allowed
from tests.ops.verify.samples import changed

VOLUMES = {"/var/lib/xray": "stealth-xray-data"}
NONE = Allowed(is_promised=True, volumes=VOLUMES)
BOUND = {"80/tcp": [{"HostIp": "", "HostPort": "9999"}]}


def faults(entry: dict[str, object], allowed: Allowed = NONE) -> list[str]:
    return [check.found for check in rights.checks(entry, allowed, "mend it")
            if check.verdict is Verdict.DIFFERS and check.remedy == "mend it"]


def test_a_container_as_hard_as_promised_keeps_every_rule() -> None:
    assert faults(changed()) == []
    assert {check.subject for check in rights.checks(changed(), NONE, "")} == {"stealth-xray"}


@pytest.mark.parametrize(("part", "values", "fault"), [
    ("HostConfig", {"Privileged": True}, "it is privileged, which is root on the host"),
    ("HostConfig", {"ReadonlyRootfs": False}, "its root file system is writable"),
    ("HostConfig", {"CapDrop": None}, "it keeps Docker's default capabilities"),
    ("HostConfig", {"CapDrop": ["NET_RAW"]}, "it keeps Docker's default capabilities"),
    ("HostConfig", {"CapAdd": ["CAP_SYS_ADMIN"]}, "it has SYS_ADMIN beyond none"),
    ("HostConfig", {"SecurityOpt": None}, "its programs may gain privileges"),
    ("HostConfig", {"SecurityOpt": ["no-new-privileges:false"]}, "its programs may gain privileges"),
    ("HostConfig", {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, "it runs with seccomp=unconfined"),
    ("HostConfig", {"SecurityOpt": ["no-new-privileges", "apparmor:unconfined"]}, "it runs with apparmor:unconfined"),
    ("HostConfig", {"SecurityOpt": ["no-new-privileges", "seccomp=" + '{"defaultAction":"SCMP_ACT_ALLOW"}' * 2]},
     "it runs with seccomp of its own"),
    ("HostConfig", {"MaskedPaths": ["/x"]}, "/proc/kcore, /proc/keys, /proc/timer_list, /sys/firmware is open to it"),
    ("HostConfig", {"ReadonlyPaths": None},
     "/proc/bus, /proc/fs, /proc/irq, /proc/sys, /proc/sysrq-trigger is open to it"),
    ("HostConfig", {"Tmpfs": {"/x": "rw,exec,nosuid"}}, "/x lacks nodev, noexec"),
    ("HostConfig", {"Memory": 1 << 40, "MemorySwap": 1 << 40}, "it may use more than 512 MiB"),
    ("HostConfig", {"OomKillDisable": True}, "the kernel may not end it when memory is short"),
    ("Config", {"User": "10002:0"}, "it has root's group"),
    ("HostConfig", {"GroupAdd": ["0"]}, "it has root's group"),
    ("Config", {"User": ""}, "it runs as root"),
    ("Config", {"User": "0:0"}, "it runs as root"),
    ("Config", {"User": "xray"}, "its user xray is no number"),
    ("HostConfig", {"NetworkMode": "host"}, "NetworkMode is host"),
    ("HostConfig", {"NetworkMode": "container:abc"}, "NetworkMode is container"),
    ("HostConfig", {"PidMode": "host"}, "PidMode is host"),
    ("HostConfig", {"IpcMode": "shareable"}, "IpcMode is shareable"),
    ("HostConfig", {"UTSMode": "host"}, "UTSMode is host"),
    ("HostConfig", {"UsernsMode": "host"}, "UsernsMode is host"),
    ("NetworkSettings", {"Networks": {"bridge": {}}}, "it is on Docker's default bridge"),
    ("HostConfig", {"PortBindings": BOUND}, "it publishes 0.0.0.0:9999->80/tcp"),
    ("NetworkSettings", {"Ports": BOUND}, "it publishes 0.0.0.0:9999->80/tcp"),
    ("HostConfig", {"PublishAllPorts": True}, "it publishes every port of its image"),
    ("HostConfig", {"Devices": [{"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm"}]}, "it has /dev/kvm"),
    ("HostConfig", {"DeviceCgroupRules": ["c 1:3 rw"]}, "it asks for further devices by a rule"),
    ("HostConfig", {"Sysctls": {"net.ipv4.ip_forward": "1"}}, "it sets net.ipv4.ip_forward to 1"),
    ("HostConfig", {"Memory": 0}, "it may use all of the host's memory"),
    ("HostConfig", {"MemorySwap": -1}, "it may use swap beyond its memory"),
    ("HostConfig", {"NanoCpus": 0}, "it may use every core"),
    ("HostConfig", {"Ulimits": None}, "it has no limit of nofile, nproc"),
    ("Config", {"Healthcheck": {"Test": ["NONE"]}}, "nobody checks its health"),
    ("Config", {"Healthcheck": None}, "nobody checks its health"),
    ("HostConfig", {"LogConfig": {"Type": "json-file", "Config": {}}}, "its log (json-file) has no greatest size"),
    ("HostConfig", {"Runtime": "other"}, "its runtime is other"),
    ("HostConfig", {"CgroupParent": "/x"}, "it has a cgroup parent of its own"),
    ("Config", {"Tty": True}, "it waits for a terminal"),
    ("Config", {"Env": ["PASSWORD=hunter2"]}, "the environment variable PASSWORD is named like a secret"),
    ("Config", {"Env": ["DOCKER_HOST=tcp://x"]}, "its environment names a container engine"),
])
def test_each_softened_property_is_found(part: str, values: dict[str, object], fault: str) -> None:
    assert faults(changed(part, **values)) == [fault]


@pytest.mark.parametrize(("mode", "has_namespaces", "verdict"), [
    ("host", True, Verdict.DIFFERS), ("private", True, Verdict.KEPT), ("host", False, Verdict.KEPT)])
def test_cgroups_of_the_host_are_a_fault_where_the_engine_makes_others(
    mode: str, has_namespaces: bool, verdict: Verdict,
) -> None:
    entry = changed("HostConfig", CgroupnsMode=mode)
    assert rights.of_cgroups(entry, has_namespaces=has_namespaces, remedy="").verdict is verdict


@pytest.mark.parametrize(("mount", "fault"), [
    ({"Type": "bind", "Source": "/etc", "Destination": "/x", "RW": False}, "it mounts the host's /etc"),
    ({"Type": "bind", "Source": "/srv/../etc/", "Destination": "/x", "RW": True}, "it mounts the host's /etc to write"),
    ({"Type": "volume", "Name": "stealth-xray-data", "Source": "/y", "Destination": "/var/lib/xray", "RW": True,
      "Propagation": "rshared"}, "its mounts below /var/lib/xray appear on the host"),
    ({"Type": "volume", "Name": "stealth-admin-data", "Source": "/y", "Destination": "/var/lib/xray", "RW": True},
     "it mounts the volume stealth-admin-data at /var/lib/xray"),
    ({"Type": "volume", "Name": "x", "Source": "/y", "Destination": "/x", "RW": False},
     "it mounts the volume x at /x"),
])
def test_each_mount_of_the_host_is_found(mount: dict[str, object], fault: str) -> None:
    assert faults(changed(Mounts=[mount])) == [fault]


def test_the_engine_s_socket_is_found_by_whatever_folder() -> None:
    socket = {"Type": "bind", "Source": "/run/docker.sock", "Destination": "/x", "RW": False}
    assert faults(changed(Mounts=[socket])) == ["it mounts the host's /run/docker.sock",
                                                "it may command the container engine"]


def test_what_the_table_allows_is_let_pass_and_nothing_more() -> None:
    entry = changed("HostConfig", CapAdd=["CAP_NET_ADMIN"], Sysctls={"net.ipv4.ip_forward": "1"})
    entry["HostConfig"]["Devices"] = [
        {"PathOnHost": "/dev/net/tun", "PathInContainer": "/dev/net/tun", "CgroupPermissions": "rw"}]
    allowed = Allowed(is_promised=True, volumes=VOLUMES, capabilities=frozenset({"NET_ADMIN"}),
                      devices=frozenset({"/dev/net/tun"}),
                      sysctls={"net.ipv4.ip_forward": "1"})
    assert faults(entry, allowed) == []
    entry["HostConfig"]["CapAdd"].append("SYS_MODULE")
    entry["HostConfig"]["Sysctls"]["net.ipv4.ip_forward"] = "0"
    entry["HostConfig"]["Devices"][0]["CgroupPermissions"] = "rwm"
    assert faults(entry, allowed) == ["it has SYS_MODULE beyond NET_ADMIN",
                                      "it has /dev/net/tun under another name or may make device files",
                                      "it sets net.ipv4.ip_forward to 0"]


def test_a_writer_needs_no_limits_and_still_may_not_be_privileged() -> None:
    entry = changed("HostConfig", ReadonlyRootfs=False, Memory=0, NanoCpus=0, Ulimits=None, Privileged=True)
    allowed = Allowed(is_promised=True, is_writer=True, volumes=VOLUMES)
    assert faults(entry, allowed) == ["it is privileged, which is root on the host"]


def test_a_stranger_s_mount_of_a_volume_of_ours_is_found() -> None:
    assert faults(changed(Name="/rogue"), Allowed()) == ["it mounts the volume stealth-xray-data at /var/lib/xray"]


PLAIN = changed(Name="/other", Mounts=[])
PLAIN["Config"]["Labels"] = None
PLAIN["NetworkSettings"]["Networks"] = {"bridge": {}}


@pytest.mark.parametrize(("part", "values"), [
    ("", {"Name": "/stealth-more"}), ("Config", {"Labels": {"org.stealth-vpn.stack": "local"}}),
    ("NetworkSettings", {"Networks": {"stealth-control": {}}}), ("HostConfig", {"PidMode": "container:abc"}),
    ("HostConfig", {"NetworkMode": "container:stealth-xray"}),
    ("", {"Mounts": [{"Type": "volume", "Name": "stealth-admin-data"}]}),
    ("", {"Mounts": [{"Type": "bind", "Source": "/var/lib/docker/volumes/stealth-admin-data/_data"}]}),
    ("", {"Mounts": [{"Type": "bind", "Source": "/"}]}), ("", {"Mounts": [{"Type": "bind", "Source": "/x/y.sock"}]}),])
def test_a_container_touches_the_server_by_any_of_these(part: str, values: dict[str, object]) -> None:
    entry = {**PLAIN, "HostConfig": {**PLAIN["HostConfig"]}, "Config": {**PLAIN["Config"]}}
    assert not touches(entry, "local", {"stealth-xray": "abc"}, "/var/lib/docker")
    entry |= {part: {**entry[part], **values}} if part else values
    assert touches(entry, "local", {"stealth-xray": "abc"}, "/var/lib/docker")
