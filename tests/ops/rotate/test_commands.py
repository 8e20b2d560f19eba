"""`ops rotate`: what it says, what it refuses, and in which order it does things."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from ops import stack_file, target
from ops.backup import commands as backup
from ops.cli import main
from ops.errors import OperatorError
from ops.operations.doctor import secrets
from ops.operations.doctor.findings import Case
from ops.rotate import configured, deployed
from ops.rotate.table import ALL, DERIVED, ELSEWHERE
from ops.stack import Stack
from ops.target import Target

MADE = "2026-11-01T10:00:00Z"
LATER = "2999-01-01T00:00:00+00:00"
PAST = "2026-11-20T00:00:00+00:00"
AT = "2026-11-10T00:00:00+00:00"


class Pulumi:
    """Plays Pulumi on a stack's file."""

    def __init__(self, file: Path, done: list[str]) -> None:
        self.file, self.done = file, done
        self.fails = False
        self.deployed: dict[str, int] | None = None
        """What the server has; what the file says, unless a test has another."""

    def call(self, *words: str) -> str:
        if words == ("stack", "export"):
            return json.dumps({"deployment": {"resources": [
                {"type": "random:index/randomPassword:RandomPassword", "created": MADE}]}})
        assert words[0] == "config"
        copy = Path(words[words.index("--config-file") + 1])
        assert copy != self.file, "a kill while Pulumi writes would leave half a file"
        self.done.append(" ".join(words[:words.index("--config-file")]))
        if self.fails:
            copy.write_text("half")
            raise OperatorError("it was cut short")
        parsed = yaml.safe_load(copy.read_text())
        secrets_ = parsed["config"].setdefault("stealth-vpn:rotations", {})
        if words[1] == "rm":
            name, field = words[3].split(".")[1:]
            del secrets_[name][field]
        for word in words if words[1] == "set-all" else ():
            if "=" in word:
                path, _, value = word.partition("=")
                name, field = path.split(".")[1:]
                secrets_.setdefault(name, {})[field] = int(value) if field == "generation" else value
        copy.write_text(yaml.safe_dump(parsed))
        return ""


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: list[str]) -> Pulumi:
    """A deployed stack `local` in a folder of its own; all that is done to it is told in order."""
    (tmp_path / "Pulumi.yaml").write_text(Path("Pulumi.yaml").read_text())
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text("config:\n  stealth-vpn:domain: stealth.test\n")
    fake = Pulumi(file, done)
    real = target.settings
    for module in ("ops.rotate.commands", "ops.rotate.configured", "ops.operations.doctor.secrets"):
        monkeypatch.setattr(f"{module}.settings", lambda stack: real(stack, tmp_path))
    monkeypatch.setattr(stack_file, "ROOT", tmp_path)
    monkeypatch.setattr(Stack, "prepare", lambda _: None)
    monkeypatch.setattr(Stack, "is_made", lambda _: True)
    monkeypatch.setattr(Stack, "call", lambda _, *words: fake.call(*words))
    monkeypatch.setattr(deployed, "generations",
                        lambda _: generations_of(fake) if fake.deployed is None else fake.deployed)
    monkeypatch.setattr(backup, "make", lambda _: done.append("backup"))
    monkeypatch.setattr(main.commands["up"], "callback", lambda **_: done.append("up"))
    return fake


def rotations(pulumi: Pulumi) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(pulumi.file.read_text())["config"].get("stealth-vpn:rotations", {})
    return found


def generations_of(pulumi: Pulumi) -> dict[str, int]:
    return {name: entry["generation"] for name, entry in rotations(pulumi).items() if "generation" in entry}


def given(pulumi: Pulumi, **changes: Any) -> None:
    pulumi.file.write_text(yaml.safe_dump({"config": {"stealth-vpn:domain": "stealth.test"} | {
        f"stealth-vpn:{key}": value for key, value in changes.items()}}))


def ops(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["rotate", *words], input=typed)


def test_a_rotation_backs_up_writes_the_next_generation_and_deploys(pulumi: Pulumi, done: list[str]) -> None:
    said = ops("websocket-path", "--overlap", "2h", "--yes")
    assert said.exit_code == 0, said.output
    assert [step.split(" rot")[0] for step in done] == ["backup", "config set-all --path --plaintext", "up"]
    entry = rotations(pulumi)["websocket-path"]
    assert entry["generation"] == 2
    length = datetime.fromisoformat(entry["overlapUntil"]) - datetime.fromisoformat(entry["rotatedAt"])
    assert length == timedelta(hours=2)
    assert "Former value: good for 2 h more." in said.output
    assert "Replaced, with an end to what goes through them: admin, caddy, xray." in said.output
    assert "users of VLESS over WebSocket: nobody in an overlap" in said.output


def test_it_overlaps_for_a_week_where_it_can_and_not_at_all_where_it_cannot(pulumi: Pulumi) -> None:
    assert "Former value: good for 7 d more." in ops("shadowtls", "--yes").output
    said = ops("wireguard", "--yes")
    assert "Former value: refused at once." in said.output
    assert "overlapUntil" not in rotations(pulumi)["wireguard"]
    ops("reality-short-id", "--overlap", "none", "--yes")
    assert "overlapUntil" not in rotations(pulumi)["reality-short-id"]


def test_each_rotation_counts_on(pulumi: Pulumi) -> None:
    for _ in range(3):
        assert ops("agents", "--yes").exit_code == 0
    assert rotations(pulumi)["agents"]["generation"] == 4


def test_nothing_is_done_without_a_yes(pulumi: Pulumi, done: list[str]) -> None:
    said = ops("reality", typed="n\n")
    assert said.exit_code == 1
    assert "users of VLESS with REALITY: apps that update" in said.output
    assert done == []


@pytest.mark.parametrize(("words", "sentence"), [
    (["realty"], "there is no secret realty. `ops rotate` lists all."),
    (["user-secrets"], "user-secrets is rotated one by one. Run `ops users renew NAME`."),
    (["wireguard", "--overlap", "1d"], "wireguard has no overlap"),
    (["passphrase", "--overlap", "1d"], "passphrase has no overlap"),
    (["shadowtls", "--finish"], "shadowtls is in no overlap"),
    (["metrics-token"], "metrics-token is in an overlap until 2999-01-01 00:00 UTC, and a third value would end the"),
    (["authority"], "authority signs nothing with `tls: acme`"),
])
def test_what_cannot_be_is_refused_before_anything_is_done(
    pulumi: Pulumi, done: list[str], words: list[str], sentence: str,
) -> None:
    given(pulumi, tls="acme", rotations={"metrics-token": {"generation": 2, "rotatedAt": AT, "overlapUntil": LATER}})
    before = pulumi.file.read_text()
    said = ops(*words, "--yes")
    assert said.exit_code == 1
    assert sentence in said.output
    assert (done, pulumi.file.read_text()) == ([], before)


def test_a_backup_that_fails_lets_nothing_be_rotated(
    pulumi: Pulumi, done: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: str) -> None:
        raise OperatorError("the disk is full")

    monkeypatch.setattr(backup, "make", fail)
    said = ops("reality", "--yes")
    assert said.exit_code == 1
    assert "the disk is full\nNothing was rotated. Mend that, or do without by --without-backup." in said.output
    assert (done, rotations(pulumi)) == ([], {})
    without = ops("reality", "--yes", "--without-backup")
    assert without.exit_code == 0
    assert "No backup is made before." in without.output


def test_a_write_that_is_cut_short_leaves_the_file_as_it_was(pulumi: Pulumi) -> None:
    before, pulumi.fails = pulumi.file.read_text(), True
    assert ops("reality", "--yes").exit_code == 1
    assert pulumi.file.read_text() == before
    assert [file.name for file in pulumi.file.parent.iterdir() if "new" in file.name] == []


def test_a_deploy_that_fails_says_what_finishes_the_rotation(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_: object) -> None:
        raise OperatorError("xray is not healthy")

    monkeypatch.setattr(main.commands["up"], "callback", fail)
    said = ops("reality", "--yes")
    assert said.exit_code == 1
    assert "The configuration is written already: mend that, and run the same again." in said.output


@pytest.mark.parametrize("ends", [{}, {"overlapUntil": LATER}])
def test_the_same_command_goes_on_with_a_rotation_that_was_cut_short(
    pulumi: Pulumi, done: list[str], ends: dict[str, str],
) -> None:
    given(pulumi, rotations={"shadowtls": {"generation": 3, "rotatedAt": AT, **ends}})
    pulumi.deployed = {"shadowtls": 2}
    said = ops("shadowtls", "--yes")
    assert said.exit_code == 0, said.output
    assert "was written and not deployed to its end; going on with that one" in said.output
    assert ("The former one is good until 2999-01-01" in said.output) == bool(ends)
    assert done == ["up"]
    assert rotations(pulumi)["shadowtls"]["generation"] == 3


def test_a_file_that_has_lost_its_rotations_is_not_deployed(pulumi: Pulumi, tmp_path: Path) -> None:
    given(pulumi, rotations={"agents": {"generation": 3, "rotatedAt": AT}})
    stack = Stack("local", lambda _: None)
    for there in ({"agents": 3}, {"agents": 2}, {}):
        pulumi.deployed = there
        deployed.refuse_lost(stack, target.settings("local", tmp_path))
    for there in ({"agents": 4}, {"agents": 3, "reality": 2}):
        pulumi.deployed = there
        with pytest.raises(OperatorError, match=r"the server has later values of (agents|reality) than Pulumi\.local"):
            deployed.refuse_lost(stack, target.settings("local", tmp_path))


def test_what_the_server_has_is_read_from_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    stack, file = Stack("local", lambda _: None), tmp_path / ".pulumi" / "stacks" / "stealth-vpn" / "local.json"
    assert deployed.generations(stack) == {}
    file.parent.mkdir(parents=True)
    for latest, found in ((None, {}), ({"resources": []}, {}), ({"resources": [
            {"type": "pulumi:pulumi:Stack", "outputs": {"rotations": {"reality": 2.0}}}]}, {"reality": 2})):
        file.write_text(json.dumps({"checkpoint": {"latest": latest}}))
        assert deployed.generations(stack) == found
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    monkeypatch.setattr(Stack, "is_made", lambda _: True)
    monkeypatch.setattr(Stack, "outputs", lambda _: {"rotations": {"wireguard": 4}})
    assert deployed.generations(stack) == {"wireguard": 4}


def test_an_overlap_ends_by_hand_or_at_the_next_deploy_after_its_time(pulumi: Pulumi, done: list[str]) -> None:
    entries = {name: {"generation": 2, "rotatedAt": AT, "overlapUntil": until}
               for name, until in (("shadowtls", LATER), ("panel-path", PAST), ("metrics-token", LATER))}
    given(pulumi, rotations=entries)
    assert ops("shadowtls", "--finish").exit_code == 0
    assert done[-1] == "up"
    shown: list[str] = []
    configured.end_due(Stack("local", shown.append), shown.append)
    assert shown == ["The overlap of panel-path is over; its former value is refused from now on."]
    assert {name for name, entry in rotations(pulumi).items() if "overlapUntil" in entry} == {"metrics-token"}


def test_the_doctor_names_overlaps_past_their_end(pulumi: Pulumi) -> None:
    entries = {name: {"generation": 2, "rotatedAt": AT, "overlapUntil": until}
               for name, until in (("shadowtls", LATER), ("panel-path", PAST))}
    given(pulumi, rotations=entries)
    where = Target(stack="local", docker_host="unix:///x.sock", http_port=80, https_port=443, ipv6=False)
    (finding,) = secrets.overlaps(Case(None, where, list))  # type: ignore[arg-type] # it asks no engine
    assert finding.fix == "ops rotate panel-path --finish"
    assert "was to end on 2026-11-20 00:00 UTC" in finding.fault


def test_the_list_has_every_secret_with_its_age_and_command(pulumi: Pulumi) -> None:
    given(pulumi, rotations={"shadowtls": {"generation": 3, "rotatedAt": AT, "overlapUntil": LATER}})
    rows = {row["name"]: row for row in json.loads(ops("--json").output)}
    assert set(rows) == {secret.name for secret in ALL}
    assert (rows["shadowtls"]["generation"], rows["shadowtls"]["made_at"]) == (3, AT)
    assert rows["shadowtls"]["command"] == "ops rotate shadowtls --finish"
    assert (rows["reality"]["generation"], rows["reality"]["made_at"]) == (1, "2026-11-01T10:00:00+00:00")
    text = ops().output
    for secret in ALL:
        assert f"{secret.name}: {secret.purpose}\n" in text
    assert "the former one is good for" in text


def test_a_bad_rotation_in_the_file_is_one_sentence(pulumi: Pulumi) -> None:
    given(pulumi, rotations={"realty": {}})
    said = ops()
    assert said.exit_code == 1
    assert said.output.startswith("Error: rotations.realty is there, but no secret has that name")


@pytest.mark.parametrize("word", ["7", "0d", "7y", "-1d", "week"])
def test_what_is_no_length_of_time_is_misuse(pulumi: Pulumi, word: str) -> None:
    assert ops("shadowtls", "--overlap", word).exit_code == 2


def test_each_command_for_one_person_s_secret_exists() -> None:
    for secret in ELSEWHERE:
        for command in secret.command.split(", then "):
            group, name = command.split()[1:3]
            assert name in main.commands[group].commands, command  # type: ignore[attr-defined]


def test_each_secret_has_its_row_in_the_document() -> None:
    text = Path("docs/rotate.md").read_text()
    for secret in ALL:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{secret.name}` |")]
        assert bool(secret.overlap) == ("| none |" not in row), secret.name
    assert len(DERIVED) == 15


def test_what_the_document_names_after_a_break_in_can_be_rotated() -> None:
    text = Path("docs/rotate.md").read_text().partition("## After a break-in")[2].partition("\n## ")[0]
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert {"admin", "caddy", "singbox", "trojan", "wireguard", "xray"} <= set(rows)
    named = {word for line in rows.values() for word in re.findall(r"`([a-z-]+)`", line)}
    assert named <= {secret.name for secret in DERIVED}
