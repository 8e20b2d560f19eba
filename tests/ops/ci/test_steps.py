"""What each step runs, says, leaves and ends with."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ops.ci import rebuilding, visit
from ops.errors import OperatorError
from tests.ops.ci.conftest import SECRET, FakeOps

Step = Callable[..., Result]
LINK = f"https://www.stealth.test/93ab/{SECRET}"


@pytest.fixture(autouse=True)
def _unprobed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "probes", lambda _: ())


def text(fake: FakeOps, name: str) -> str:
    return (fake.folder / "ci-out" / name).read_text()


def test_a_preview_becomes_a_text_without_secrets(fake: FakeOps, step: Step) -> None:
    fake.will("preview", f"+ docker:index:Container stealth-xray\n  key: {SECRET}\n  ```\nlink {LINK}")
    done = step("preview")
    assert done.exit_code == 0, (done.output, done.exception)
    assert fake.asked == ["preview"]
    written = text(fake, "preview.md")
    assert written.startswith("## Preview of `staging`\n")
    # The fence is longer than what stands in it, so that nothing of it becomes Markdown.
    assert "\n````text\n+ docker:index:Container stealth-xray\n  key: [hidden]\n  ```\n" in written
    assert "link https://www.stealth.test/[hidden]" in written
    assert SECRET not in written + done.output


def test_a_preview_that_fails_is_told_too(fake: FakeOps, step: Step) -> None:
    fake.will("preview", err="Error: domain is x, but it must have a dot.", code=1)
    assert step("preview").exit_code == 1
    assert "**The preview failed:**" in text(fake, "preview.md")
    assert "domain is x" in text(fake, "preview.md")


def test_a_deploy_is_verified_and_probed(fake: FakeOps, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "probes", lambda _: (("probe",),))
    fake.will("up", f"First user's link: {LINK}")
    done = step("deploy")
    assert done.exit_code == 0, (done.output, done.exception)
    assert fake.asked == ["up", "verify", "probe"]
    assert SECRET not in done.output
    assert text(fake, "deploy.md").startswith("## Deploy of `staging`: done")


@pytest.mark.parametrize("failing", ["up", "verify"])
def test_a_deploy_ends_where_it_fails(fake: FakeOps, step: Step, failing: str) -> None:
    fake.will(failing, code=130)
    assert step("deploy").exit_code == 130
    assert fake.asked[-1] == failing
    assert text(fake, "deploy.md").startswith("## Deploy of `staging`: failed")


def test_a_rebuild_begins_with_the_base_image(fake: FakeOps, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(rebuilding, "hand_over", lambda name, _: handed.append((name, list(fake.asked))))
    assert step("rebuild").exit_code == 0
    assert handed == [("staging", [])]
    assert fake.asked == ["rebuild", "verify"]


def test_a_visit_comes_after_the_services_own_checks(fake: FakeOps, step: Step,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    visited: list[str] = []
    monkeypatch.setattr(visit, "visit", lambda name, _: visited.append(name))
    assert step("e2e").exit_code == 0
    assert visited == ["staging"]
    fake.will("health", code=1)
    assert step("e2e").exit_code == 1
    assert visited == ["staging"]


def test_a_visit_that_fails_is_one_sentence(fake: FakeOps, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str, __: object) -> None:
        raise OperatorError("the panel does not answer.")
    monkeypatch.setattr(visit, "visit", fail)
    done = step("e2e")
    assert (done.exit_code, done.output.splitlines()[-1]) == (1, "Error: the panel does not answer.")


@pytest.mark.parametrize(("code", "title"), [
    (0, "none"), (3, "the server was changed outside the code"), (1, "it could not be told")])
def test_drift_is_told_by_its_exit_code(fake: FakeOps, step: Step, code: int, title: str) -> None:
    fake.will("drift", json.dumps({"said": ["service xray", f"  now {SECRET}"]}), "Looking ...", code)
    done = step("drift")
    assert done.exit_code == code
    assert fake.asked == ["drift --json"]
    written = text(fake, "drift.md")
    assert written.startswith(f"## Drift of `staging`: {title}\n")
    assert "\nservice xray\n  now [hidden]\n" in written
    assert ("--heal" in written) == (code == 3)
    assert SECRET not in written + done.output


@pytest.mark.parametrize(("out", "told"), [
    (json.dumps({"said": [], "error": "the engine does not answer."}), "the engine does not answer."),
    ("", "Error: the engine does not answer.")])
def test_a_look_that_failed_says_why(fake: FakeOps, step: Step, out: str, told: str) -> None:
    fake.will("drift", out, "Error: the engine does not answer.", 1)
    assert step("drift").exit_code == 1
    assert f"\n{told}\n" in text(fake, "drift.md")


def test_github_s_page_of_the_run_has_the_text_too(fake: FakeOps, step: Step, monkeypatch: pytest.MonkeyPatch,
                                                   tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    (tmp_path / "summary").write_text("before\n")
    fake.will("drift", "{}")
    step("drift")
    assert (tmp_path / "summary").read_text() == "before\n" + text(fake, "drift.md")
