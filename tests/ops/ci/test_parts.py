"""What a pipeline hides, refuses, and writes."""

import http.client
import socket
from pathlib import Path
from typing import Any, Self

import pytest

from ops import backend, subscription
from ops.ci import place, visit
from ops.ci.hidden import Hidden
from ops.ci.report import Report, fenced
from ops.errors import OperatorError
from ops.stack import Stack
from ops.target import Target

OUTPUTS = {"siteUrl": "https://www.staging.example.com/", "panelUrl": "https://www.staging.example.com/1f0c/",
           "subscriptionUrl": "https://www.staging.example.com/93ab/user"}


def target(docker_host: str = "ssh://deploy@host", port: object = "8443") -> Target:
    return Target(stack="staging", docker_host=docker_host, http_port=80, https_port=port, ipv6=False)


def test_the_longer_secret_is_hidden_whole() -> None:
    assert Hidden.among(["secret-one", "secret-one-and-more"]).without("a secret-one-and-more b") == "a [hidden] b"


def test_a_secret_is_found_as_json_writes_it() -> None:
    assert Hidden.among(['line one"\nline two']).without(r'{"key": "line one\"\nline two"}') == '{"key": "[hidden]"}'


def test_what_stands_in_any_text_by_chance_is_not_hidden() -> None:
    assert Hidden.among(["", "none", "  \n"]).without("none of these") == "none of these"


def test_an_address_keeps_its_host() -> None:
    hidden = Hidden.among([])
    assert hidden.without("Site: https://www.a.test/ and `https://www.a.test/x/y?z`.") == \
        "Site: https://www.a.test/ and `https://www.a.test/[hidden]`."


def test_a_text_that_is_too_long_is_cut_in_its_middle() -> None:
    text = fenced("begin\n" + "x" * 70_000 + "\nend")
    assert len(text) < 65_000
    assert text.startswith("```text\nbegin\n")
    assert text.endswith("\nend\n```")
    assert "characters are left out" in text


def test_a_text_is_for_those_who_read_the_run(tmp_path: Path) -> None:
    Report("a.md", tmp_path / "out").write("Title", ["one", "two"], "A sentence.")
    assert (tmp_path / "out" / "a.md").read_text() == "## Title\n\nA sentence.\n\n```text\none\ntwo\n```\n"


@pytest.fixture
def passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Target, "read", lambda _: target())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    (tmp_path / "passphrase").write_text("words\n")
    return tmp_path / "passphrase"


def test_a_pipeline_makes_no_passphrase(passphrase: Path) -> None:
    passphrase.write_text("\n")
    with pytest.raises(OperatorError, match=r"passphrase of stack staging is not in .* PULUMI_PASSPHRASE"):
        place.existing("staging")
    passphrase.unlink()
    with pytest.raises(OperatorError, match="makes no new one"):
        place.existing("staging")
    assert not passphrase.exists()


def test_a_key_service_takes_the_place_of_the_passphrase(passphrase: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passphrase.unlink()
    monkeypatch.setattr(backend, "secrets_provider", lambda _: "awskms://alias/stealth")
    with pytest.raises(OperatorError, match="is not in the state at "):
        place.existing("staging")


def test_a_pipeline_makes_no_server(passphrase: Path) -> None:
    with pytest.raises(OperatorError, match=f"is not in the state at file://{passphrase.parent}, and a pipeline"):
        place.existing("staging")
    state = passphrase.parent / ".pulumi" / "stacks" / "stealth-vpn" / "staging.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    assert place.existing("staging").name == "staging"


def test_a_step_names_what_it_misses() -> None:
    with pytest.raises(OperatorError, match="STACK=staging"):
        place.existing("")


class Connection:
    """Answers with a status by path."""

    def __init__(self, statuses: dict[str, int]) -> None:
        self.statuses = statuses
        self.status = 0

    def request(self, _: str, path: str) -> None:
        self.status = self.statuses.get(path, 200)

    def getresponse(self) -> Self:
        return self

    def close(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    monkeypatch.setattr(Target, "read", lambda _: target())
    monkeypatch.setattr(Stack, "outputs", lambda *_, **__: dict(OUTPUTS))
    monkeypatch.setattr(socket, "gethostbyname", lambda host: f"address of {host}")
    seen: list[tuple[Any, ...]] = []

    def links(*words: Any) -> dict[str, str]:
        seen.append(words)
        return {"vless": "vless://..."}
    monkeypatch.setattr(subscription, "links", links)
    return seen


def test_a_server_elsewhere_is_visited_by_its_name_and_port(
        asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[tuple[Any, ...]] = []

    def connect(*words: Any) -> Connection:
        connected.append(words)
        return Connection({})
    monkeypatch.setattr(subscription, "connect", connect)
    said: list[str] = []
    visit.visit("staging", said.append)
    host, address = "www.staging.example.com", "address of www.staging.example.com"
    assert {(words[0], words[1], words[4]) for words in connected} == {(host, address, 8443)}
    assert asked == [(OUTPUTS["subscriptionUrl"], address, None, 8443)]
    assert said == ["The cover site answers with 200.", "The panel answers with 200.",
                    "The first user's link answers with 1 protocols."]


@pytest.mark.parametrize(("path", "what"), [("/", "the cover site"), ("/1f0c/", "the panel")])
def test_what_answers_with_an_error_fails_the_visit(asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch,
                                                    path: str, what: str) -> None:
    monkeypatch.setattr(subscription, "connect", lambda *_: Connection({path: 502}))
    with pytest.raises(OperatorError, match=f"{what} of stack staging answers with 502") as caught:
        visit.visit("staging", lambda _: None)
    assert "1f0c" not in str(caught.value)
    assert asked == []


def test_what_does_not_answer_fails_the_visit(asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any) -> http.client.HTTPConnection:
        raise ConnectionRefusedError("refused")
    monkeypatch.setattr(subscription, "connect", connect)
    with pytest.raises(OperatorError, match=r"the cover site at www\.staging\.example\.com does not answer"):
        visit.visit("staging", lambda _: None)
    assert asked == []


@pytest.mark.parametrize(("host", "outputs", "commands"), [
    ("unix:///var/run/docker.sock", {"authorityCertificate": "PEM"}, (("probe",),)),
    ("unix:///var/run/docker.sock", {}, ()), ("ssh://deploy@host", {"authorityCertificate": "PEM"}, ())])
def test_a_probe_is_made_where_there_is_something_to_compare_with(
        monkeypatch: pytest.MonkeyPatch, host: str, outputs: dict[str, str], commands: object) -> None:
    monkeypatch.setattr(Target, "read", lambda _: target(host))
    monkeypatch.setattr(Stack, "outputs", lambda _: outputs)
    assert visit.probes("staging") == commands
