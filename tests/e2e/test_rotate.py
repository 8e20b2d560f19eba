"""Secrets are rotated under clients: where two can be in force, former links go on until the overlap ends."""

import json
import random
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ops import subscription
from tests.e2e.belongings import had
from tests.e2e.client import Client, all_clients, client, each
from tests.e2e.deployment import SERVICES, STACK, Server, address, ids
from tests.e2e.killing import rounds
from tests.e2e.outside import PAGE, Outside
from tests.e2e.programs import PROTOCOLS, program
from tests.e2e.test_killed import killed_and_repeated

pytestmark = pytest.mark.integration

# Of the protocols those whose clients can be let in by two values at a time.
OVERLAPPING = {"reality-short-id": "vlessReality", "websocket-path": "vlessWebsocket", "shadowtls": "shadowtls",
               "tunnel-path": "wireguardWebsocket"}
OF_THE_PANEL = ("panel-path", "subscription-path", "subscription-key", "metrics-token")
_COUNTED = {"usage", "period_used_bytes", "up_bytes", "down_bytes"}
_AGO = datetime(2026, 11, 1, tzinfo=UTC)
_COMES_BACK_SECONDS = 12
# About what one takes undisturbed.
_ROTATION_SECONDS = 40


@pytest.fixture(scope="module")
def rotated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for rotations; the tests after these get one whose secrets are as they were made."""
    place = tmp_path_factory.mktemp("rotations")
    configure(server, place, {})
    server.up()
    assert server.ops("users", "add", "alice").returncode == 0
    yield server
    assert server.ops("users", "delete", "alice", "--yes").returncode == 0
    server.configure()
    done = server.ops("up", "--former-secrets")
    assert done.returncode == 0, done.stdout


def configure(server: Server, place: Path, rotations: dict[str, Any]) -> None:
    server.configure(backupTarget=str(place / "backups"), rotations=rotations)


def place_of(server: Server) -> Path:
    found = re.search(r'backupTarget: "?([^"\n]+)/backups', (server.folder / f"Pulumi.{STACK}.yaml").read_text())
    assert found
    return Path(found[1])


def entry(generation: int, until: datetime | None) -> dict[str, Any]:
    overlap = {"overlapUntil": until.isoformat()} if until else {}
    return {"generation": generation, "rotatedAt": _AGO.isoformat(), **overlap}


def rotate(server: Server, *words: str) -> str:
    done = server.ops("rotate", *words)
    assert done.returncode == 0, done.stdout
    return done.stdout


def passing(made: dict[str, Client], url: str) -> set[str]:
    """Return the protocols by which a page comes."""
    done = each(made, lambda one: one.fetch_when_ready(url))
    return {name for name, answer in done.items() if answer.stdout == PAGE}


def refused(server: Server, links: dict[str, str], protocol: str, url: str) -> bool:
    """Tell whether a client with these links does not get through, in the time in which another one does."""
    with client("former", program(protocol, links[protocol]), server.outputs()["authorityCertificate"]) as made:
        end = time.monotonic() + _COMES_BACK_SECONDS
        while time.monotonic() < end:
            if made.fetch(url, "--max-time", "4").stdout == PAGE:
                return False
    return True


def status_of(server: Server, url: str, token: str = "") -> int:
    outputs, split = server.outputs(), urlsplit(url)
    with closing(subscription.connect(str(split.hostname), address("caddy"), outputs["authorityCertificate"],
                                      20)) as line:
        line.request("GET", split.path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = line.getresponse()
        # To its end: Caddy tells its log of answers that nobody took, with their addresses.
        answer.read()
        return answer.status


def panels(outputs: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return each address with the token that it wants."""
    return {"panel": (f"{outputs['panelUrl']}login", ""), "link": (outputs["subscriptionUrl"], ""),
            "metrics": (f"{outputs['panelUrl']}metrics", outputs["metricsToken"])}


def answering(server: Server, outputs: dict[str, Any]) -> set[str]:
    return {name for name, (url, token) in panels(outputs).items() if status_of(server, url, token) == 200}


def test_former_links_go_on_until_the_overlap_ends_and_no_longer(rotated: Server, beyond: Outside) -> None:
    place, links, outputs = place_of(rotated), rotated.links(), rotated.outputs()
    later = datetime.now(UTC) + timedelta(days=1)
    others = {name: entry(2, later) for name in (*OVERLAPPING, *OF_THE_PANEL) if name != "websocket-path"}
    configure(rotated, place, others)
    said = rotate(rotated, "websocket-path", "--overlap", "2h", "--yes")
    assert "Backed up e2e" in said
    assert "users of VLESS over WebSocket: nobody in an overlap" in said
    assert "The former websocket-path is good until" in said
    fresh, now = rotated.links(), rotated.outputs()
    assert {name for name in PROTOCOLS if links[name] != fresh[name]} == set(OVERLAPPING.values())
    assert {key for key in outputs if outputs[key] != now[key]} == {
        "panelUrl", "subscriptionUrl", "metricsToken", "rotations"}
    for given in (links, fresh):
        with all_clients(rotated, links=given) as made:
            assert passing(made, beyond.url) == set(PROTOCOLS)
    assert answering(rotated, outputs) == answering(rotated, now) == set(panels(now))
    assert json.loads(rotated.subscription("json", outputs["subscriptionUrl"])) == fresh
    assert now["rotations"] == dict.fromkeys(("websocket-path", *others), 2)
    again = rotated.ops("rotate", "websocket-path", "--yes")
    assert again.returncode == 1
    assert "is in an overlap until" in again.stdout

    # One is ended by hand, the others because their time is over.
    over = {name: entry(2, _AGO) for name in others}
    configure(rotated, place, over | {"websocket-path": entry(2, later)})
    doctor = rotated.ops("doctor")
    assert "-> ops rotate shadowtls --finish" in doctor.stdout
    said = rotate(rotated, "websocket-path", "--finish")
    assert "The overlap of shadowtls is over; its former value is refused from now on." in said
    with all_clients(rotated, links=fresh) as made:
        assert passing(made, beyond.url) == set(PROTOCOLS)
    assert {name for name in OVERLAPPING.values() if not refused(rotated, links, name, beyond.url)} == set()
    assert (answering(rotated, outputs), answering(rotated, now)) == (set(), set(panels(now)))


@pytest.mark.long
def test_without_an_overlap_the_former_are_refused_at_once(rotated: Server, beyond: Outside) -> None:
    former = {name: entry(number, None) for name, number in rotated.outputs()["rotations"].items()}
    configure(rotated, place_of(rotated), former | {
        name: entry(7, None) for name in ("reality", "shadowsocks", "wireguard", "session-key", "agents")})
    rotated.up()
    links, before = rotated.links(), ids()
    refusal = rotated.ops("rotate", "wireguard", "--overlap", "1d", "--yes")
    assert refusal.returncode == 1
    assert "wireguard has no overlap" in refusal.stdout
    said = rotate(rotated, "wireguard", "--yes", "--without-backup")
    assert "users of WireGuard: all load their file again" in said
    assert {name for name in SERVICES if ids()[name] != before[name]} == {"wireguard", "admin"}
    fresh = rotated.links()
    assert {name for name in PROTOCOLS if links[name] != fresh[name]} == {"wireguard", "wireguardWebsocket"}
    with all_clients(rotated, links=fresh) as made:
        assert passing(made, beyond.url) == set(PROTOCOLS)
    assert refused(rotated, links, "wireguard", beyond.url)
    listed = {row["name"]: row for row in json.loads(rotate(rotated, "--json"))}
    assert listed["wireguard"]["generation"] == 8
    assert listed["wireguard"]["command"] == "ops rotate wireguard"


def test_a_file_that_has_lost_its_rotations_is_refused(rotated: Server) -> None:
    file = rotated.folder / f"Pulumi.{STACK}.yaml"
    before = file.read_text()
    configure(rotated, place_of(rotated), {})
    refused_ = rotated.ops("up")
    assert refused_.returncode == 1
    assert "the server has later values of" in refused_.stdout
    file.write_text(before)


@pytest.mark.parametrize("seed", rounds())
def test_a_rotation_killed_at_any_moment_is_finished_by_the_same_command(rotated: Server, seed: int) -> None:
    before, path = kept(rotated), rotated.outputs()["panelUrl"]
    words = ("rotate", "panel-path", "--overlap", "none", "--yes", "--without-backup")
    killed_and_repeated(rotated, lambda: words, random.Random(f"rotate {seed}"), _ROTATION_SECONDS)
    assert rotated.outputs()["panelUrl"] != path
    assert kept(rotated) == before


def kept(server: Server) -> dict[str, Any]:
    """Return what clients have of the server, without the traffic of the tests before, which is still being counted."""
    found = had(server)
    del found["outputs"]
    return found | {"users": [{field: value for field, value in user.items() if field not in _COUNTED}
                              for user in found["users"]]}


def test_the_private_authority_is_another_and_its_certificates_with_it(rotated: Server, beyond: Outside) -> None:
    former = rotated.outputs()["authorityCertificate"]
    rotate(rotated, "authority", "--yes", "--without-backup")
    outputs = rotated.outputs()
    assert outputs["authorityCertificate"] != former
    with all_clients(rotated) as made:
        assert passing(made, beyond.url) == set(PROTOCOLS)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        subscription.connect("www.stealth.test", address("caddy"), former, 20)


def test_passphrase_and_key_of_the_backups_are_others_and_all_is_as_it_was(rotated: Server, tmp_path: Path) -> None:
    phrase_file, key_file = rotated.folder / ".pulumi-passphrase", rotated.folder / ".backup-key"
    assert rotated.ops("backup").returncode == 0
    outputs, phrase, key = rotated.outputs(), phrase_file.read_text(), key_file.read_text()
    rotate(rotated, "passphrase", "--yes", "--without-backup")
    assert phrase_file.read_text() != phrase
    assert phrase_file.stat().st_mode & 0o777 == 0o600
    assert rotated.outputs() == outputs
    assert "No changes; 6 containers healthy" in rotated.up()
    (tmp_path / "phrase").write_text(phrase)
    former = rotated.run("env", f"PULUMI_CONFIG_PASSPHRASE_FILE={tmp_path / 'phrase'}", "pulumi", "stack", "output",
                         "--show-secrets", "--stack", STACK)
    assert former.returncode != 0

    rotate(rotated, "backup-key", "--yes", "--overlap", "1d")
    assert key_file.read_text() != key
    (tmp_path / "key").write_text(key)
    assert opens(rotated, key_file)
    assert opens(rotated, tmp_path / "key")
    rotate(rotated, "backup-key", "--finish")
    assert opens(rotated, key_file)
    assert not opens(rotated, tmp_path / "key")
    assert len(rotated.ops("backup", "list").stdout.splitlines()) >= 3


def opens(server: Server, key: Path) -> bool:
    done = subprocess.run(
        ["restic", "--no-cache", "--repo", str(place_of(server) / "backups"), "--password-file", str(key), "snapshots"],
        capture_output=True, check=False)
    return done.returncode == 0
