import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.configs.plan import Plan
from components.delivery import Delivery
from components.network import create_networks
from components.service import SMALL, Attachment, Health, Host, Service, ServiceArgs
from components.storage import DATA_VOLUMES, create_data_volumes
from tests.engine import NETWORK, VOLUME, RecordingEngine, is_secret

HEALTH = Health(interval="30s", timeout="10s", start_period="40s", start_interval="1s", retries=3,
                wait_seconds=130)
HOST = Host(limits=SMALL, health=HEALTH, log_max_size="10m", log_max_files=3, open_files=16384,
            time_zone="UTC")
PLAN = Plan.of("vpn.example.com", "172.20.0.0/16", "10.66.66.0/24")
NONE = pulumi.ResourceOptions()


def service(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "image": "sha256:1", "user": "10002:10002", "probe": ["/usr/local/bin/probe", "tcp", "127.0.0.1:1"],
        "attachments": [Attachment(network="stealth-vpn", address="172.20.0.11")],
        "rendered_volume": "stealth-xray-rendered", "config_hash": "abc",
    }
    engine = RecordingEngine()
    engine.deploy(lambda: Service("xray", ServiceArgs(**(values | changes)), HOST, NONE))
    return engine.one("stealth-xray")


def test_a_service_drops_every_capability_it_does_not_name() -> None:
    assert service()["capabilities"] == {"drops": ["ALL"], "adds": []}
    assert service(capabilities=["CAP_NET_ADMIN"])["capabilities"]["adds"] == ["CAP_NET_ADMIN"]


def test_a_service_cannot_gain_rights_or_write_its_root() -> None:
    inputs = service()
    assert inputs["readOnly"] is True
    assert inputs["securityOpts"] == ["no-new-privileges:true"]
    for options in inputs["tmpfs"].values():
        assert {"noexec", "nosuid", "nodev"} <= set(options.split(","))
    assert "privileged" not in inputs
    assert "networkMode" not in inputs


def test_a_service_may_keep_as_much_in_tmp_as_it_says_and_little_without() -> None:
    assert {place: options.split(",")[-1] for place, options in service(temporary_mb=48)["tmpfs"].items()} == {
        "/tmp": "size=48m", "/run": "size=16m"}  # noqa: S108 - inside
    assert service()["tmpfs"]["/tmp"].endswith(",size=16m")  # noqa: S108 - inside


def test_a_service_comes_back_by_itself_and_a_deploy_waits_for_its_health() -> None:
    inputs = service()
    assert inputs["restart"] == "always"
    assert (inputs["mustRun"], inputs["wait"], inputs["waitTimeout"]) == (True, True, HEALTH.wait_seconds)
    assert inputs["destroyGraceSeconds"] >= 10


def test_a_stopped_service_is_made_and_nothing_starts_it_or_waits_for_it() -> None:
    inputs = service(runs=False)
    assert inputs["restart"] == "no"
    assert (inputs["mustRun"], inputs["start"], inputs["wait"]) == (False, False, False)
    assert "start" not in service(), "containers of before this input stay as they are"


def test_a_service_publishes_nothing_unless_told() -> None:
    assert service()["ports"] == []


def test_memory_and_swap_are_the_same_number() -> None:
    inputs = service()
    assert inputs["memory"] == inputs["memorySwap"] == SMALL.memory_mb


def test_rendered_files_are_mounted_read_only_and_data_is_not() -> None:
    made = service(data={"/var/lib/xray": "stealth-xray-data"}, read_only_data={"/srv/site": "stealth-other"})
    assert [(mount["target"], mount["readOnly"]) for mount in made["mounts"]] == [
        ("/etc/stealth", True), ("/srv/site", True), ("/var/lib/xray", False)]


def test_the_hash_of_the_configuration_is_a_label() -> None:
    labels = {label["label"]: label["value"] for label in service()["labels"]}
    assert labels["org.stealth-vpn.config-sha256"] == "abc"
    assert labels["org.stealth-vpn.stack"] == "test"


def test_a_container_is_declared_in_two_files_only() -> None:
    folder = Path(__file__).parents[2] / "components"
    sources = {path.name: path.read_text() for path in folder.rglob("*.py")}
    declaring = {name for name, text in sources.items() if re.search(r"docker\.Container\($", text, re.M)}
    assert declaring == {"service.py", "delivery.py"}


def deliver(text: str) -> RecordingEngine:
    engine = RecordingEngine()

    def program() -> None:
        files = {"config.json": pulumi.Output.from_input(text)}
        delivery = Delivery("xray", "sha256:1", "10002:10002", files, NONE)
        Service("xray", ServiceArgs(
            image="sha256:1", user="10002:10002", probe=["/p"], attachments=[],
            rendered_volume=delivery.volume, config_hash=delivery.sha256), HOST, NONE)

    engine.deploy(program)
    return engine


def test_a_delivered_file_is_secret_and_readable_by_its_service_only() -> None:
    uploads = deliver("text").one("stealth-xray-writer")["uploads"]
    assert is_secret(uploads)
    (upload,) = uploads["value"]
    assert (upload["permissions"], upload["owner"], upload["group"]) == ("0400", "10002", "10002")
    assert upload["file"] == "/etc/stealth/config.json"


@pytest.mark.parametrize("is_first", [False, True])
def test_first_files_are_for_the_group_too_and_a_new_image_does_not_bring_them_back(is_first: bool) -> None:
    engine, ignored = RecordingEngine(), {}

    def look(made: pulumi.ResourceTransformationArgs) -> None:
        ignored[made.name] = made.opts.ignore_changes

    engine.deploy(lambda: Delivery(
        "pairs", "sha256:1", "10001:10001", {"q.pem": pulumi.Output.from_input("pair")},
        pulumi.ResourceOptions(transformations=[look]), is_first=is_first))
    (upload,) = engine.one("stealth-pairs-writer")["uploads"]["value"]
    assert upload["permissions"] == ("0640" if is_first else "0400")
    assert engine.one("stealth-pairs" if is_first else "stealth-pairs-rendered", VOLUME)
    assert ignored["stealth-pairs-writer"] == (["image"] if is_first else [])


def test_a_changed_text_changes_the_reader_and_the_hash_is_no_secret() -> None:
    def label(text: str) -> object:
        labels = deliver(text).one("stealth-xray")["labels"]
        return next(item["value"] for item in labels if item["label"].endswith("config-sha256"))

    assert isinstance(label("one"), str)
    assert label("one") == label("one") != label("two")


def test_a_writer_never_starts_and_reaches_no_network() -> None:
    writer = deliver("text").one("stealth-xray-writer")
    assert (writer["start"], writer["mustRun"], writer["networkMode"]) == (False, False, "none")


def test_the_control_network_is_internal_and_the_edge_is_not() -> None:
    engine = RecordingEngine()
    engine.deploy(lambda: create_networks(PLAN, NONE))
    assert engine.one("stealth-control", NETWORK)["internal"] is True
    assert "internal" not in engine.one("stealth-vpn", NETWORK)
    (ipam,) = engine.one("stealth-vpn", NETWORK)["ipamConfigs"]
    assert ipam == {"subnet": "172.20.0.0/16", "gateway": "172.20.0.1"}
    # Not even false: that would replace the network of a server that was made before there was such a key.
    assert "ipv6" not in engine.one("stealth-vpn", NETWORK)


def test_with_ipv6_the_edge_has_a_subnet_of_each_family_and_the_control_network_has_not() -> None:
    engine = RecordingEngine()
    plan = Plan.of("vpn.example.com", "172.20.0.0/16", "10.66.66.0/24", "fd00:1::/64")
    engine.deploy(lambda: create_networks(plan, NONE))
    edge, control = engine.one("stealth-vpn", NETWORK), engine.one("stealth-control", NETWORK)
    assert edge["ipv6"] is True
    assert edge["ipamConfigs"] == [{"subnet": "172.20.0.0/16", "gateway": "172.20.0.1"},
                                   {"subnet": "fd00:1::/64", "gateway": "fd00:1::1"}]
    assert "ipv6" not in control
    assert len(control["ipamConfigs"]) == 1


@pytest.mark.parametrize(("network", "vpn", "control"), [
    ("172.20.0.0/16", "10.66.66.0/24", "172.21.0.0/24"),
    ("172.20.0.0/15", "10.66.66.0/24", "172.22.0.0/24"),
    ("172.20.0.0/16", "172.21.0.0/24", "172.22.0.0/24"),
])
def test_the_control_subnet_overlaps_nothing(network: str, vpn: str, control: str) -> None:
    assert Plan.of("vpn.example.com", network, vpn).control_subnet == control


def test_all_seven_volumes_are_named_as_the_specification_says() -> None:
    engine = RecordingEngine()
    engine.deploy(lambda: create_data_volumes(NONE))
    assert {item.inputs["name"] for item in engine.resources if item.kind == VOLUME} == {
        f"stealth-{key}" for key in DATA_VOLUMES}
    assert len(DATA_VOLUMES) == 7
