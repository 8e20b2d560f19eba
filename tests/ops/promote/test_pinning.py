"""What may leave a stack, and what may not: the bad set stops here."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops.docker import Engine
from ops.drift import look as looking
from ops.drift.findings import Finding
from ops.drift.look import Look
from ops.errors import OperatorError
from ops.promote import commands, pinning, placing
from ops.promote.pin import Pin
from ops.stack import Stack
from ops.target import Target
from ops.update import checks, gates
from ops.update.checkout import Checkout
from tests.ops.drift.steps import step
from tests.ops.operations.fakes import FakeEngine, ops
from tests.ops.promote.sets import COMMIT, FULL, PINNED, SOURCES, STAGING, identity

FINDING = Finding(subject="service xray", property="restart policy", deployed="always", now="no", remedy="Heal it.")
NEWER = "c" * 40


class Staging:
    """A server that is well, until a test says otherwise."""

    def __init__(self) -> None:
        self.version, self.head = COMMIT, NEWER
        self.look = Look(findings=[], pending=[], unchecked=[])
        self.has_resources = True
        self.programs = {COMMIT: "program b", NEWER: "program b"}
        self.fails: set[str] = set()

    def say(self, name: str) -> Callable[..., str]:
        def answer(*_: object) -> str:
            if name in self.fails:
                raise OperatorError(f"{name} failed.")
            return f"{name} well."
        return answer


@pytest.fixture
def staging(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Staging:
    made = Staging()
    for name in FULL:
        engine.entries[name]["Image"] = identity(PINNED[name])
    fakes: dict[str, Callable[..., object]] = {
        "head": lambda _: made.head, "refuse_changes": lambda _: None, "has": lambda _, commit: commit in made.programs,
        "program": lambda _, commit: made.programs[commit], "title": lambda _, commit: commit[:4]}
    for name, fake in fakes.items():
        monkeypatch.setattr(Checkout, name, fake)
    monkeypatch.setattr(Stack, "has_resources", lambda _: made.has_resources)
    monkeypatch.setattr(Stack, "outputs", lambda _: {"version": made.version})
    monkeypatch.setattr(Stack, "call", lambda *_: STAGING)
    monkeypatch.setattr(Stack, "export", lambda _: STAGING)
    monkeypatch.setattr(looking, "look", lambda _: made.look)
    for place, name in ((gates, "soak"), (checks, "promises"), (checks, "probes"), (checks, "canary")):
        monkeypatch.setattr(place, name, made.say(name))
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    return made


def written(tmp_path: Path) -> Pin:
    return Pin.read("staging", tmp_path)


def test_what_runs_and_is_well_is_written_down(staging: Staging, tmp_path: Path) -> None:
    done = ops("pin", "staging")
    assert done.exit_code == 0, done.output
    assert "promotions/staging.json has the 7 images that staging runs, of bbbbbbbbbbbb. Commit it" in done.output
    pin = written(tmp_path)
    assert (pin.stack, pin.commit, pin.program, pin.platform) == ("staging", COMMIT, "program b", "linux/amd64")
    assert {name: (image.id, image.source) for name, image in pin.images.items()} == {
        name: (identity(number), SOURCES[name]) for name, number in PINNED.items()}
    assert any(version.startswith("github.com/xtls/xray-core v1.") for version in pin.images["xray"].versions)
    assert pin.configuration["mode"] == "full"
    assert "staging.example.com" not in pin.document()
    assert {key: value for key, value in pin.verified.items() if key != "at"} == {
        "health": "6 checks passed.", "promises": "promises well.", "probe": "probes well."}
    placing.refuse_other_sources(pin, placing.sources(STAGING, {}))


def changed(name: str, value: Any) -> Callable[[Staging, FakeEngine], None]:
    return lambda staging, _: setattr(staging, name, value)


def looks(**found: Any) -> Callable[[Staging, FakeEngine], None]:
    return changed("look", Look(**{"findings": [], "pending": [], "unchecked": [], **found}))


@pytest.mark.parametrize(("harm", "why"), [
    (lambda _, engine: engine.faults.update(xray="timed out"), "xray of staging fails its check: timed out"),
    (lambda _, engine: engine.entries.pop("trojan"), "trojan of staging fails its check: has no container"),
    (lambda _, engine: engine.entries["caddy"].update(Image=identity(99)),
     "caddy of staging runs the image 990000000000, but 030000000000 was built for it"),
    (looks(findings=[FINDING]), "staging was changed outside the code: service xray. Look at it with `ops --stack"),
    (looks(pending=[step()]), "staging is not what code and configuration say (stealth-xray). Run `STACK=staging make"),
    (looks(pending_fault="domain is x."), "staging is not what code and configuration say (domain is x.)"),
    (changed("version", f"{COMMIT}-changed"), "which is no commit that git has here. Commit what you want to pin"),
    (changed("version", ""), "staging runs a version, which is no commit"),
    (changed("programs", {COMMIT: "program b", NEWER: "program c"}), "staging runs bbbb, but cccc is checked out"),
    (changed("has_resources", False), "stack staging has no server to pin"),
    *((changed("fails", {gate}), f"{gate} failed.") for gate in ("soak", "promises", "probes", "canary"))])
def test_what_is_not_well_is_pinned_by_nobody(
    staging: Staging, engine: FakeEngine, tmp_path: Path, harm: Callable[[Staging, FakeEngine], object], why: str,
) -> None:
    assert ops("pin", "staging").exit_code == 0
    before = written(tmp_path)
    harm(staging, engine)
    done = ops("pin", "staging")
    assert (done.exit_code, why in done.output) == (1, True), done.output
    assert written(tmp_path) == before


def test_a_service_that_an_operator_has_stopped_was_not_tried(
    staging: Staging, monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = Target.read("staging")
    monkeypatch.setattr(pinning, "Target", SimpleNamespace(read=lambda _: Target(
        **{**{name: getattr(given, name) for name in given.__dataclass_fields__}, "stopped": frozenset({"trojan"})})))
    done = ops("pin", "staging")
    assert (done.exit_code, "trojan of staging is stopped, so nobody has tried it there" in done.output) == (1, True)


def test_a_stack_without_a_file_is_named(staging: Staging) -> None:
    done = ops("pin", "stagin")
    assert (done.exit_code, "stack stagin has no file Pulumi.stagin.yaml" in done.output) == (1, True)


def test_an_engine_that_does_not_answer_is_named_first(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Engine) -> str:
        raise OperatorError("Docker Engine does not answer.")
    monkeypatch.setattr(Engine, "version", fail)
    assert "Docker Engine does not answer." in ops("pin", "staging").output


def test_versions_are_what_the_sources_ask_for_by_name(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text(
        "module m\n\ngo 1.26.8\n\nrequire example.com/alone v0.1.0\n\nrequire (\n\texample.com/a/v2 v2.1.0\n"
        "\tstealth-vpn/images/agent v0.0.0\n\texample.com/b v1.0.0 // indirect\n)\n")
    (tmp_path / "requirements.in").write_text("flask\npsycopg[binary]\n")
    (tmp_path / "requirements.txt").write_text(
        "flask==3.1.3 \\\n    --hash=sha256:0\npsycopg[binary]==3.3.9 \\\nwerkzeug==1.0\n")
    assert list(pinning.versions(tmp_path)) == [
        "example.com/a/v2 v2.1.0", "example.com/alone v0.1.0", "flask 3.1.3", "psycopg 3.3.9"]
