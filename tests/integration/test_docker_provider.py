"""Our own docker provider under the real Pulumi CLI and a real engine, by way of the unchanged Python package."""

import json
import signal
import socket
import subprocess
import time

import pytest

from tests.integration.conftest import DockerProject, container_id, docker, inspect

pytestmark = pytest.mark.integration

SERVICE = """
network = docker.Network("net", name="provider-test-net", driver="bridge",
    labels=[docker.NetworkLabelArgs(label="provider-test", value="yes")],
    ipam_configs=[docker.NetworkIpamConfigArgs(subnet="10.213.0.0/24", gateway="10.213.0.1")], opts=here)
volume = docker.Volume("data", name="provider-test-data",
    labels=[docker.VolumeLabelArgs(label="provider-test", value="yes")], opts=here)
service = box("service", hostname="service", user="1000:1001", envs=["TZ=UTC"], read_only=True,
    network_mode=None, networks_advanced=[docker.ContainerNetworksAdvancedArgs(
        name=network.name, ipv4_address="10.213.0.10", aliases=["alias"])],
    tmpfs={"/scratch": "rw,noexec,size=1m"}, working_dir="/scratch",
    mounts=[docker.ContainerMountArgs(target="/data", source=volume.name, type="volume", read_only=True),
            docker.ContainerMountArgs(target="/host", source="/etc/hostname", type="bind", read_only=True)],
    ports=[docker.ContainerPortArgs(internal=80, external=18213, ip="127.0.0.1"),
           docker.ContainerPortArgs(internal=80, external=18213, ip="127.0.0.1", protocol="udp")],
    capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"], adds=["CAP_NET_BIND_SERVICE"]),
    security_opts=["no-new-privileges:true"], sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
    devices=[docker.ContainerDeviceArgs(host_path="/dev/null", container_path="/dev/other", permissions="rw")],
    ulimits=[docker.ContainerUlimitArgs(name="nofile", soft=1024, hard=2048)], group_adds=["1002"],
    dns=["10.213.0.53"], cpus="0.50", cpu_shares=SHARES, memory=MEMORY, memory_swap=MEMORY,
    memory_reservation=16, stop_timeout=3, restart="RESTART", max_retry_count=RETRIES,
    healthcheck=docker.ContainerHealthcheckArgs(tests=["CMD", "true"], interval="30s", timeout="5s", retries=3,
                                               start_period="10s", start_interval="1s"),
    wait=True, wait_timeout=30, log_driver="json-file", log_opts={"max-size": "1m", "max-file": "2"},
    labels=[docker.ContainerLabelArgs(label="provider-test", value="LABEL")])
pulumi.export("seen", service.network_datas.apply(lambda datas: datas[0].ip_address))
pulumi.export("mustRun", service.must_run)
"""


def service(shares: int = 64, memory: int = 32, restart: str = "always", retries: int = 0, label: str = "a") -> str:
    return (SERVICE.replace("SHARES", str(shares)).replace("MEMORY", str(memory)).replace("RESTART", restart)
            .replace("RETRIES", str(retries)).replace("LABEL", label))


def test_a_hardened_container_lives_through_create_update_replacement_and_delete(trial: DockerProject) -> None:
    trial.use(service())
    assert "created" in trial.done()
    made = inspect("container", "service")
    config, host = made["Config"], made["HostConfig"]
    assert made["State"]["Health"]["Status"] == "healthy"
    assert (config["Hostname"], config["User"], config["WorkingDir"]) == ("service", "1000:1001", "/scratch")
    assert (config["Cmd"], config["StopSignal"], config["StopTimeout"]) == (["sleep", "600"], "SIGKILL", 3)
    assert "TZ=UTC" in config["Env"]
    assert config["Labels"]["provider-test"] == "a"
    assert (config["Healthcheck"]["Interval"], config["Healthcheck"]["StartInterval"]) == (30 * 10**9, 10**9)
    assert (host["ReadonlyRootfs"], host["Privileged"], host["Init"]) == (True, False, False)
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], ["CAP_NET_BIND_SERVICE"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Sysctls"] == {"net.ipv4.ip_unprivileged_port_start": "0"}
    assert host["Tmpfs"] == {"/scratch": "rw,noexec,size=1m"}
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 1024, "Hard": 2048}]
    assert (host["NanoCpus"], host["CpuShares"]) == (500_000_000, 64)
    assert (host["Memory"], host["MemorySwap"], host["MemoryReservation"]) == (32 << 20, 32 << 20, 16 << 20)
    assert host["RestartPolicy"]["Name"] == "always"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}}
    assert (host["Dns"], host["GroupAdd"]) == (["10.213.0.53"], ["1002"])
    assert host["Devices"] == [
        {"PathOnHost": "/dev/null", "PathInContainer": "/dev/other", "CgroupPermissions": "rw"}]
    assert host["PortBindings"] == {
        f"80/{protocol}": [{"HostIp": "127.0.0.1", "HostPort": "18213"}] for protocol in ("tcp", "udp")}
    assert {mount["Destination"]: mount["RW"] for mount in made["Mounts"]} == {"/data": False, "/host": False}
    assert list(made["NetworkSettings"]["Networks"]) == ["provider-test-net"]
    assert made["NetworkSettings"]["Networks"]["provider-test-net"]["IPAddress"] == "10.213.0.10"
    assert json.loads(trial.run("stack", "output", "--json").stdout) == {"seen": "10.213.0.10", "mustRun": True}
    trial.unchanged_in_every_way()
    assert container_id("service") == made["Id"]

    trial.use(service(shares=128, memory=48, restart="on-failure", retries=4))
    assert "updated" in trial.done()
    changed = inspect("container", "service")
    assert changed["Id"] == made["Id"]
    assert (changed["HostConfig"]["Memory"], changed["HostConfig"]["MemorySwap"]) == (48 << 20, 48 << 20)
    assert changed["HostConfig"]["CpuShares"] == 128
    assert changed["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 4}
    trial.unchanged()

    trial.use(service(shares=128, memory=48, restart="on-failure", retries=4, label="b"))
    assert "replaced" in trial.done()
    assert container_id("service") != made["Id"]
    assert trial.run("destroy", "--yes").returncode == 0
    assert not docker("ps", "--all", "--quiet", "--filter", "name=provider-test-")
    assert not docker("network", "ls", "--quiet", "--filter", "name=provider-test-")
    assert not docker("volume", "ls", "--quiet", "--filter", "name=provider-test-")


def test_refresh_repairs_what_was_changed_by_hand_and_touches_nothing_else(trial: DockerProject) -> None:
    names = ("untouched", "removed", "stopped", "squeezed", "stripped", "paused")
    trial.use("\n".join([
        'network = docker.Network("net", name="provider-test-net", opts=here,',
        '    ipam_configs=[docker.NetworkIpamConfigArgs(subnet="10.213.1.0/24")])',
        *(f'box("{name}", memory=32, memory_swap=32, restart="always", network_mode=None, networks_advanced=['
          "docker.ContainerNetworksAdvancedArgs(name=network.id)])" for name in names)]))
    trial.done()
    before = {name: container_id(name) for name in names}
    docker("rm", "--force", "provider-test-removed")
    docker("stop", "provider-test-stopped")
    docker("update", "--memory", "64m", "--memory-swap", "64m", "--restart", "no", "provider-test-squeezed")
    docker("network", "disconnect", "provider-test-net", "provider-test-stripped")
    docker("pause", "provider-test-paused")
    assert trial.run("preview", "--refresh", "--expect-no-changes").returncode != 0
    trial.done("--refresh")
    after = {name: container_id(name) for name in names}
    assert {name for name in names if before[name] != after[name]} == {"removed", "stripped"}
    for name in names:
        found = inspect("container", name)
        assert found["State"]["Status"] == "running", name
        assert found["HostConfig"]["Memory"] == 32 << 20, name
        assert found["HostConfig"]["RestartPolicy"]["Name"] == "always", name
        assert list(found["NetworkSettings"]["Networks"]) == ["provider-test-net"], name
    trial.unchanged()


def test_an_upload_reaches_the_volume_and_stays_secret(trial: DockerProject) -> None:
    trial.use("""
volume = docker.Volume("rendered", name="provider-test-rendered", opts=here)
box("writer", must_run=False, start=False, user="1000:1001",
    mounts=[docker.ContainerMountArgs(target="/etc/rendered", source=volume.name, type="volume")],
    uploads=[docker.ContainerUploadArgs(file="/etc/rendered/key", content=pulumi.Output.secret("very-hidden"),
                                        permissions="0400", owner="1000", group="1001")])
""")
    said = trial.up("--refresh")
    assert said.returncode == 0, said.stdout
    assert inspect("container", "writer")["State"]["Status"] == "created"
    trial.unchanged_in_every_way()
    state = trial.run("stack", "export").stdout
    assert "very-hidden" not in state + said.stdout + said.stderr
    assert "ciphertext" in json.dumps(trial.resources(":Container")[0]["outputs"]["uploads"])
    shown = docker("run", "--rm", "--volume", "provider-test-rendered:/v:ro", "provider-test-base:local",
                   "sh", "-c", "stat -c %a:%u:%g /v/key; cat /v/key")
    assert shown.split() == ["400:1000:1001", "very-hidden"]


HEALTH = """
box("ill", ["#initerror", "healthcheck"], command=["sh", "-c", "echo the last words; sleep 600"], wait=True,
    wait_timeout=20, healthcheck=docker.ContainerHealthcheckArgs(
        tests=["CMD", "sh", "-c", "echo so it is; CHECK"], interval="200ms", timeout="1s", retries=2))
"""


def test_a_failed_health_wait_fails_each_up_until_the_check_is_good(trial: DockerProject) -> None:
    trial.use(HEALTH.replace("CHECK", "false"))
    began = time.monotonic()
    said = trial.fails("--continue-on-error")
    assert time.monotonic() - began < 15, "an unhealthy container is waited for to the end of the time"
    assert ("Container provider-test-ill is unhealthy (state running, exit code 0); "
            "its last check said: so it is;") in said
    assert "the last words" in said
    assert trial.resources(":Container")[0]["initErrors"]
    first = container_id("ill")
    assert "is unhealthy" in trial.fails("--refresh", "--continue-on-error")
    assert container_id("ill") != first
    trial.use(HEALTH.replace("CHECK", "true"))
    trial.done()
    assert inspect("container", "ill")["State"]["Health"]["Status"] == "healthy"
    trial.unchanged()


def test_a_container_that_ends_or_restarts_for_ever_is_told_at_once(trial: DockerProject) -> None:
    check = 'healthcheck=docker.ContainerHealthcheckArgs(tests=["CMD", "true"], interval="30s")'
    trial.use("\n".join(
        f'box("{name}", command=["sh", "-c", "echo {name} words; false"], wait=True, restart="{restart}", {check})'
        for name, restart in (("ends", "no"), ("loops", "always"))))
    began = time.monotonic()
    said = trial.fails("--continue-on-error")
    assert time.monotonic() - began < 15
    assert "provider-test-ends has ended (state exited, exit code 1)" in said
    assert "ends words" in said
    assert "provider-test-loops does not stay up: it has restarted 3 times" in said
    assert "loops words" in said


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_pulumi_is_the_end_of_a_health_wait_and_of_the_provider(
    trial: DockerProject, ended_by: signal.Signals,
) -> None:
    plugin = str(trial.folder / "home" / "plugins")
    trial.use("""
box("slow", wait=True, wait_timeout=60,
    healthcheck=docker.ContainerHealthcheckArgs(tests=["CMD", "false"], interval="50s", start_period="55s"))
""")
    running = trial.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 20
    while not docker("ps", "--quiet", "--filter", "name=provider-test-slow"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)
    began = time.monotonic()
    running.send_signal(ended_by)
    said, _ = running.communicate(timeout=30)
    while plugin in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout:
        assert time.monotonic() - began < 10, "the provider is still there"
        time.sleep(0.1)
    if ended_by == signal.SIGINT:
        assert "not healthy yet when the wait was interrupted" in said
        assert trial.resources(":Container")[0]["id"] == container_id("slow")


def test_what_stands_in_the_way_is_told_with_what_to_do_and_left_alone(trial: DockerProject) -> None:
    docker("network", "create", "--subnet", "10.213.2.128/25", "provider-test-other")
    docker("create", "--name", "provider-test-taken", "provider-test-base:local", "true")
    docker("run", "--detach", "--name", "provider-test-holder", "--publish", "18215:80",
           "provider-test-base:local", "sleep", "600")
    there = {name: container_id(name) for name in ("taken", "holder")}
    trial.use("""
def network(name, subnet):
    docker.Network(name, name="provider-test-" + name, opts=here,
                   ipam_configs=[docker.NetworkIpamConfigArgs(subnet=subnet)])

network("wide", "10.213.2.0/24")
network("other", "10.213.3.0/24")
box("taken")
for port in (18214, 18215):
    box(f"port-{port}", network_mode=None, ports=[docker.ContainerPortArgs(internal=80, external=port)])
nowhere = docker.Provider("nowhere", host="unix:///nowhere/docker.sock")
docker.Volume("nowhere", name="provider-test-nowhere", opts=pulumi.ResourceOptions(provider=nowhere))
""")
    assert trial.run("preview").returncode == 0, "a preview needs no engine"
    with socket.create_server(("0.0.0.0", 18214)):  # noqa: S104 - the provider publishes on all addresses
        said = trial.fails("--continue-on-error")
    for port in (18214, 18215):
        assert f"Container provider-test-port-{port} cannot start, because port {port} is already allocated" in said
        assert f"`docker ps --filter publish={port}`" in said
        assert not docker("ps", "--all", "--quiet", "--filter", f"name=provider-test-port-{port}")
    assert f"Container name provider-test-taken is taken by container {there['taken'][:12]}" in said
    assert "`docker rm --force provider-test-taken`" in said
    assert {name: container_id(name) for name in there} == there
    assert ("Network provider-test-wide cannot have 10.213.2.0/24, because that overlaps provider-test-other "
            "(10.213.2.128/25)") in said
    assert "`docker network rm provider-test-other`" in said
    assert ("Docker Engine at unix:///nowhere/docker.sock does not answer: no such file or directory. "
            "Start it, or change it with `pulumi config set dockerHost <address>`") in said


DUAL = """
network = docker.Network("dual", name="provider-test-dual", ipv6=True, opts=pulumi.ResourceOptions(
    provider=host, delete_before_replace=True), ipam_configs=[
        docker.NetworkIpamConfigArgs(subnet="10.213.4.0/24", gateway="10.213.4.1"),
        docker.NetworkIpamConfigArgs(subnet="PREFIX::/64", gateway="PREFIX::1")])
service = box("service", network_mode=None, networks_advanced=[docker.ContainerNetworksAdvancedArgs(
        name=network.name, ipv4_address="10.213.4.10", ipv6_address="PREFIX::a")],
    ports=[docker.ContainerPortArgs(internal=80, external=18216, ip=address, protocol=protocol)
           for address in ("0.0.0.0", "::") for protocol in ("tcp", "udp")])
pulumi.export("seen", service.network_datas.apply(lambda datas: datas[0].global_ipv6_address))
"""


def test_a_network_and_a_container_of_both_families(trial: DockerProject) -> None:
    trial.use(DUAL.replace("PREFIX", "fd00:213"))
    assert "created" in trial.done()
    made = inspect("network", "dual")
    assert made["EnableIPv6"] is True
    assert [config["Subnet"] for config in made["IPAM"]["Config"]] == ["10.213.4.0/24", "fd00:213::/64"]
    found = inspect("container", "service")
    assert found["NetworkSettings"]["Networks"]["provider-test-dual"]["GlobalIPv6Address"] == "fd00:213::a"
    assert found["HostConfig"]["PortBindings"] == {
        f"80/{protocol}": [{"HostIp": address, "HostPort": "18216"} for address in ("0.0.0.0", "::")]  # noqa: S104
        for protocol in ("tcp", "udp")}
    assert json.loads(trial.run("stack", "output", "--json").stdout) == {"seen": "fd00:213::a"}
    trial.unchanged_in_every_way()

    docker("network", "disconnect", "provider-test-dual", "provider-test-service")
    docker("network", "connect", "--ip", "10.213.4.10", "--ip6", "fd00:213::b", "provider-test-dual",
           "provider-test-service")
    trial.done("--refresh")
    again = inspect("container", "service")
    assert again["Id"] != found["Id"]
    assert again["NetworkSettings"]["Networks"]["provider-test-dual"]["GlobalIPv6Address"] == "fd00:213::a"

    trial.use(DUAL.replace("PREFIX", "fd00:214"))
    assert "replaced" in trial.done()
    assert inspect("network", "dual")["Id"] != made["Id"]
    assert inspect("container", "service")["NetworkSettings"]["Networks"]["provider-test-dual"][
        "GlobalIPv6Address"] == "fd00:214::a"
    trial.unchanged_in_every_way()


def test_a_volume_is_adopted_with_its_data_after_a_destroy(trial: DockerProject) -> None:
    trial.use("""
docker.Volume("kept", name="provider-test-kept",
              opts=pulumi.ResourceOptions(provider=host, retain_on_delete=True))
""")
    trial.done()
    inside = ("run", "--rm", "--volume", "provider-test-kept:/v", "provider-test-base:local", "sh", "-c")
    docker(*inside, "echo precious > /v/file")
    assert trial.run("destroy", "--yes", "--skip-preview").returncode == 0
    trial.done()
    assert docker(*inside, "cat /v/file") == "precious"
    trial.unchanged()


def test_a_network_with_a_guest_is_not_removed_and_the_guest_is_named(trial: DockerProject) -> None:
    trial.use("""
docker.Network("net", name="provider-test-net", internal=True, opts=here)
""")
    trial.done()
    trial.unchanged()
    assert inspect("network", "net")["Internal"] is True
    docker("run", "--detach", "--name", "provider-test-guest", "--network", "provider-test-net",
           "provider-test-base:local", "sleep", "600")
    said = " ".join(trial.run("destroy", "--yes", "--skip-preview").stdout.split())
    assert "containers that this stack did not make are on it: provider-test-guest" in said
    docker("rm", "--force", "provider-test-guest")
    assert trial.run("destroy", "--yes", "--skip-preview").returncode == 0


@pytest.mark.parametrize(("program", "fault"), [
    ('box("odd", networks_advanced=[docker.ContainerNetworksAdvancedArgs(name="n", mac_address="m")])',
     "networksAdvanced[0].macAddress is not served by this project's own docker provider"),
    ('docker.Tag("odd", source_image="a", target_image="b", opts=here)',
     "Tag is no resource type of this docker provider"),
])
def test_what_is_not_served_is_refused_by_name(trial: DockerProject, program: str, fault: str) -> None:
    trial.use(program)
    done = trial.run("preview")
    assert done.returncode != 0
    assert fault in done.stdout + done.stderr
