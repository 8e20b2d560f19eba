import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.keys import XrayKeys
from ops.docker import Engine
from ops.stack import Stack
from ops.verify import hunt
from ops.verify.checks import Verdict
from ops.verify.host import HostFacts
from ops.verify.inspect import Observed
from ops.verify.known import secrets_of
from ops.verify.state import State
from tests.ops.verify.samples import changed, facts, process
from tests.ops.verify.test_promises import SECRET

VALUE = "hunter2hunter2"
SILENT = "cannot be read"
KNOWN = {"panel-seed.result": VALUE}
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIJ\nrest\n-----END EC PRIVATE KEY-----\n"


class QuietEngine(Engine):
    """An engine whose containers and images say these words."""

    def __init__(self, log: str = "", history: str = "") -> None:
        super().__init__("unix:///nowhere.sock")
        self._log, self._history = log, history

    def ask(self, *words: str) -> Any:
        said = self._log if words[0] == "logs" else self._history
        code = 1 if said == SILENT else 0
        return subprocess.CompletedProcess(words, code, stdout=said, stderr="")


class QuietStack(Stack):
    """A stack whose state is this text, and whose files are these."""

    def __init__(self, text: str = "", *files: Path) -> None:
        super().__init__("quiet", print)
        self._text, self._files = text, files

    def written(self) -> Any:
        yield "quiet.json", self._text

    def private_files(self) -> list[Path]:
        return list(self._files)


def found(entry: dict[str, Any], engine: Engine | None = None, stack: Stack | None = None,
          seen: HostFacts | None = None, image: dict[str, Any] | None = None) -> list[str]:
    images = ({"Id": "sha256:xray", "RepoTags": ["stealth-vpn/xray:local"], **(image or {})},)
    observed = Observed(containers=(entry,), networks=(), volumes=(), images=images, info={}, version={})
    checks = hunt.checks(KNOWN, stack or QuietStack(), engine or QuietEngine(), observed, [entry], seen or facts())
    said = [check.found for check in checks if check.verdict is not Verdict.KEPT]
    assert VALUE not in " ".join(said)
    return said


def test_where_no_secret_stands_every_place_is_kept() -> None:
    assert found(changed()) == []


@pytest.mark.parametrize(("part", "values", "place"), [
    ("Config", {"Env": [f"X=a{VALUE}b"]}, "the environment variable X of stealth-xray"),
    ("Config", {"Labels": {"x": VALUE}}, "the label x of stealth-xray"),
    ("Config", {"Cmd": ["--x", VALUE]}, "`docker inspect stealth-xray`"),
    ("State", {"Health": {"Status": "healthy", "Log": [{"Output": VALUE}]}}, "`docker inspect stealth-xray`")])
def test_a_secret_in_what_inspect_tells_is_named_with_its_place(
    part: str, values: dict[str, object], place: str,
) -> None:
    assert found(changed(part, **values)) == [f"panel-seed.result stands in {place}"]


def test_a_secret_in_an_image_its_history_a_log_or_a_process_is_named_with_its_place() -> None:
    title = "stealth-vpn/xray:local"
    assert found(changed(), image={"Config": {"Env": [VALUE]}}) == [f"panel-seed.result stands in the image {title}"]
    assert found(changed(), QuietEngine(history=f"ARG {VALUE}")) == [
        f"panel-seed.result stands in the history of the image {title}"]
    assert found(changed(), QuietEngine(log=VALUE)) == ["panel-seed.result stands in the log of stealth-xray"]
    told = dataclasses.replace(process(), words={"cmdline": ("/bin/x",), "environ": (f"X={VALUE}",)})
    assert found(changed(), seen=facts(told)) == ["panel-seed.result stands in the environment of xray (process 71)"]


def test_a_secret_in_the_state_and_a_file_that_others_may_read_are_found(tmp_path: Path) -> None:
    assert found(changed(), stack=QuietStack(json.dumps({"id": VALUE}))) == ["panel-seed.result stands in quiet.json"]
    (tmp_path / "passphrase").touch(mode=0o644)
    (tmp_path / "closed").touch(mode=0o600)
    files = tmp_path / "passphrase", tmp_path / "closed", tmp_path / "none"
    assert found(changed(), stack=QuietStack("", *files)) == ["passphrase is open to others (644)"]


@pytest.mark.parametrize(("engine", "place"), [
    (QuietEngine(log=SILENT), "the log of stealth-xray"),
    (QuietEngine(history=SILENT), "the history of the image stealth-vpn/xray:local")])
def test_a_place_that_cannot_be_read_is_not_checked(engine: Engine, place: str) -> None:
    assert found(changed(), engine) == [f"{place} cannot be read"]


def test_nothing_to_look_for_or_into_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuietStack, "written", lambda _: iter(()))
    assert found(changed()) == ["there is nothing to look into"]
    monkeypatch.setitem(KNOWN, "panel-seed.result", VALUE)
    monkeypatch.delitem(KNOWN, "panel-seed.result")
    assert set(found(changed())) == {"there is nothing to look for"}


@pytest.mark.parametrize("text", ['with "quotes" inside', "back\\slash of mine"])
def test_a_secret_is_found_however_json_writes_it(text: str) -> None:
    assert hunt.hunted({"passphrase": text}, [("a", json.dumps({"x": text})), ("b", text)]) == [
        "passphrase stands in a", "passphrase stands in b"]


def test_processes_that_cannot_be_seen_are_not_checked() -> None:
    assert found(changed(), seen=facts(is_root=False)) == ["this user may not see all of them"]


def test_all_that_is_derived_or_delivered_is_known_and_what_is_public_is_not() -> None:
    state = State.parse(json.dumps({"deployment": {"resources": [
        {"type": "random:index/randomPassword:RandomPassword", "urn": "urn:a::xray-seed",
         "outputs": {"result": SECRET}},
        {"type": "docker:index/container:Container", "urn": "urn:a::stealth-caddy-writer",
         "inputs": {"uploads": {**SECRET, "plaintext": json.dumps(json.dumps([{"content": PEM}]))}}},
        {"type": "docker:index/container:Container", "urn": "urn:a::stealth-admin-writer",
         "inputs": {"uploads": {**SECRET, "plaintext": json.dumps("postgresql://panel:correcthorse@db/panel")}}},
        {"type": "pulumi:pulumi:Stack", "urn": "urn:a::s", "outputs": {"panelPassword": SECRET, "siteUrl": "https://x"}},
    ]}}))
    known = secrets_of(state, "correct horse battery")
    keys = XrayKeys.from_seed(VALUE)
    assert known["xray.reality_private_key"] == keys.reality_private_key
    assert "xray.reality_public_key" not in known
    assert known["stealth-caddy-writer.key0"] == "MHcCAQEEIJ"
    assert known["stealth-admin-writer.password0"] == "correcthorse"
    assert {known["panelPassword"], known["xray-seed.result"], known["passphrase"]} == {VALUE, "correct horse battery"}
    assert "https://x" not in known.values()


def test_a_secret_too_short_to_look_for_is_left_out() -> None:
    assert secrets_of(State(resources=()), "short") == {}
