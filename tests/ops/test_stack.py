import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ops import locks, repair, stack
from ops.docker import Engine
from ops.errors import OperatorError
from ops.stack import Stack
from policy.names import NAMES

CONTAINER = "docker:index/container:Container"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Stack, list[str]]:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.setattr(stack, "LOG_FOLDER", tmp_path / ".pulumi" / "logs")
    state = tmp_path / ".pulumi" / "stacks" / "stealth-vpn" / "local.json"
    state.parent.mkdir(parents=True)
    state.write_text('{"checkpoint": {"latest": null}}')
    lines: list[str] = []
    return Stack("local", lines.append), lines


def lock(tmp_path: Path, pid: int, host: str) -> Path:
    file = tmp_path / ".pulumi" / "locks" / "organization" / "stealth-vpn" / "local" / "one.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"pid": pid, "hostname": host, "username": "root"}))
    return file


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it(tmp_path: Path, made: tuple[Stack, list[str]]) -> None:
    made[0].prepare()
    file = tmp_path / "passphrase"
    first = file.read_text()
    made[0].prepare()
    assert file.read_text() == first
    assert len(first) > 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".pulumi").stat().st_mode) == 0o700


def test_a_passphrase_of_the_operator_s_own_is_used(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "short")
    made[0].prepare()
    assert not (tmp_path / "passphrase").exists()


def test_the_lock_of_a_dead_run_is_taken_away(tmp_path: Path, made: tuple[Stack, list[str]]) -> None:
    file = lock(tmp_path, dead_pid(), socket.gethostname())
    made[0].prepare()
    assert not file.exists()
    assert "lock is taken away" in made[1][0]


def test_a_run_that_ended_but_was_not_asked_for_yet_counts_as_dead(
    tmp_path: Path, made: tuple[Stack, list[str]],
) -> None:
    ended = subprocess.Popen(["/bin/true"])
    while Path(f"/proc/{ended.pid}/stat").read_text().split()[2] != "Z":
        pass
    file = lock(tmp_path, ended.pid, socket.gethostname())
    made[0].prepare()
    ended.wait()
    assert not file.exists()


def test_a_number_that_went_to_a_younger_process_counts_as_dead(tmp_path: Path, made: tuple[Stack, list[str]]) -> None:
    file = lock(tmp_path, os.getpid(), socket.gethostname())
    os.utime(file, (1, 1))
    made[0].prepare()
    assert not file.exists()


@pytest.mark.parametrize(("alive", "host"), [(True, socket.gethostname()), (False, "another-host")])
def test_a_lock_that_may_be_in_use_stays(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch, alive: bool, host: str,
) -> None:
    monkeypatch.setattr(locks, "_LOCK_SECONDS", 0)
    file = lock(tmp_path, os.getpid() if alive else dead_pid(), host)
    made[0].prepare()
    assert file.exists()


def test_the_end_of_a_living_run_is_waited_for(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = lock(tmp_path, os.getpid(), socket.gethostname())
    naps = iter([lambda: None, file.unlink])
    monkeypatch.setattr(time, "sleep", lambda _: next(naps)())
    made[0].prepare()
    assert made[1] == [f"Another run is at work on local (process {os.getpid()}), or a killed one ends its last step. "
                       "Waiting for it ..."]


def export(*pending: dict[str, object]) -> str:
    return json.dumps({"deployment": {"pending_operations": list(pending)}})


def operation(kind: str, resource: str, name: str) -> dict[str, object]:
    return {"type": kind, "resource": {"type": resource, "inputs": {"name": name}}}


def test_only_containers_and_networks_that_were_being_made_count_as_half_made() -> None:
    found = repair.half_made(export(
        operation("creating", CONTAINER, "stealth-xray"), operation("deleting", CONTAINER, "stealth-caddy"),
        operation("creating", "docker:index/volume:Volume", "stealth-xray-data")))
    assert found == {"container": ["stealth-xray"], "network": []}


def test_a_state_without_pending_operations_has_nothing_half_made() -> None:
    assert repair.half_made('{"deployment": {}}') == {"container": [], "network": []}


def test_a_repaired_state_has_no_pending_creation_that_the_next_run_would_act_on_again() -> None:
    kept = operation("updating", CONTAINER, "stealth-caddy")
    state = repair.without_half_made(export(operation("creating", CONTAINER, "stealth-xray"), kept))
    assert json.loads(state)["deployment"]["pending_operations"] == [kept]


def test_what_half_made_things_are_removed_is_told_and_the_state_forgets_them(
    made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    made[0].prepare()
    calls: list[tuple[str, ...]] = []

    def call(_: Stack, *words: str) -> str:
        calls.append(words[:2])
        return export(operation("creating", CONTAINER, "stealth-xray"))

    monkeypatch.setattr(Stack, "has_pending_operations", lambda _: True)
    monkeypatch.setattr(Stack, "call", call)
    monkeypatch.setattr(Engine, "remove_own", lambda *_: True)
    made[0].repair(Engine("unix:///nowhere.sock"))
    assert made[1] == ["A former run was killed while it made stealth-xray; it is made anew."]
    assert calls == [("stack", "export"), ("stack", "import")]


def fake_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_a_failed_run_raises_its_fault_and_names_the_log(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = {"diagnosticEvent": {"severity": "error", "message": "it broke", "urn": "urn::docker:index::x"}}
    fake_pulumi(tmp_path, monkeypatch, f"""
        while [ "$1" != --event-log ]; do shift; done
        echo '{json.dumps(event)}' >> "$2"
        echo noise; exit 1""")
    made[0].prepare()
    with pytest.raises(OperatorError, match=r"^it broke\n.*local\.log"):
        made[0].run("up")


JUDGED = json.dumps({"policyAnalyzeSummaryEvent": {"passed": list(NAMES)}, "policyAnalyzeStackSummaryEvent": {}})
OTHERS_PACK = json.dumps({"policyAnalyzeSummaryEvent": {"passed": ["a"]}, "policyAnalyzeStackSummaryEvent": {}})
LACKING = json.dumps({"policyAnalyzeSummaryEvent": {"passed": list(NAMES[1:])}, "policyAnalyzeStackSummaryEvent": {}})
LOG_EVENT = 'while [ "$1" != --event-log ]; do shift; done; printf "%s\\n"'


def test_what_makes_anything_is_judged_by_the_policies_from_wherever_it_runs(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, f"""echo "$@" >> {tmp_path}/said; {LOG_EVENT} '{JUDGED}' >> "$2" """)
    monkeypatch.chdir(tmp_path)
    made[0].prepare()
    for command in ("up", "preview", "destroy"):
        made[0].run(command)
    said = (tmp_path / "said").read_text().splitlines()
    pack = f"--policy-pack {Path(stack.__file__).parents[1] / 'policy'}"
    assert [pack in words for words in said] == [True, True, False]


def test_no_variable_of_pulumi_s_reaches_a_run_but_those_of_state_and_passphrase(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, f"""
        env >> {tmp_path}/environment; echo '{{}}'; [ "$1" = stack ] || {{ {LOG_EVENT} '{JUDGED}' >> "$2"; }}""")
    for name in ("PULUMI_OPTION_POLICY_PACK_CONFIG", "PULUMI_OPTION_SKIP_PREVIEW", "PULUMI_OPTION_TARGET",
                 "PULUMI_CONTINUE_ON_ERROR", "PULUMI_DEBUG_LANGUAGES", "PULUMI_EXPERIMENTAL"):
        monkeypatch.setenv(name, "true")
    made[0].prepare()
    made[0].run("up")
    made[0].outputs()
    seen = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert {name for name in seen if name.startswith("PULUMI_")} <= {
        "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_DEBUG_COMMANDS", "PULUMI_HOME",
        "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"}
    assert {"PULUMI_BACKEND_URL", "PATH"} <= seen


@pytest.mark.parametrize("event", [
    "", json.dumps({"policyAnalyzeSummaryEvent": {"passed": list(NAMES)}}), OTHERS_PACK, LACKING])
def test_a_run_that_no_policy_has_judged_is_a_fault(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch, event: str,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, f"""{LOG_EVENT} '{event}' >> "$2" """)
    made[0].prepare()
    made[0].run("destroy")
    with pytest.raises(OperatorError, match=(
            r"has not asked the policies in .*/policy: \d+ are missing, such as [\w-]+\. Run `make setup`")):
        made[0].run("up")


def test_a_refusal_of_a_policy_comes_before_what_follows_from_it(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusal = {"policyEvent": {
        "policyName": "no-ports", "enforcementLevel": "mandatory", "message": "x.\nadmin: it is."}}
    fake_pulumi(tmp_path, monkeypatch, f"""{LOG_EVENT} '{json.dumps(refusal)}' >> "$2"; exit 1""")
    made[0].prepare()
    with pytest.raises(OperatorError, match=r"^admin: it is\. \(policy no-ports\)\nAll that was said"):
        made[0].run("up")


def test_a_run_that_fails_without_an_event_says_pulumi_s_last_error(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, "echo 'error: the stack is locked'; echo more; exit 1")
    made[0].prepare()
    with pytest.raises(OperatorError, match=r"^the stack is locked"):
        made[0].run("up")


def test_a_fault_of_ours_does_not_leave_a_deploy_running(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, f"""
        trap 'echo stopped > {tmp_path}/stopped; exit 1' INT
        while [ "$1" != --event-log ]; do shift; done
        echo 'no json' >> "$2"
        while :; do sleep 0.05; done""")
    made[0].prepare()
    with pytest.raises(json.JSONDecodeError):
        made[0].run("up")
    assert (tmp_path / "stopped").exists()


def test_a_signal_is_passed_on_and_the_run_ends_in_order(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, f"""
        trap 'echo "error: the update was cancelled"; exit 1' INT
        kill -INT {os.getpid()}
        while :; do sleep 0.05; done""")
    made[0].prepare()
    with pytest.raises(OperatorError, match="the update was cancelled"):
        made[0].run("up")
    assert any("Stopping" in line for line in made[1])


def test_a_signal_that_comes_while_the_process_is_being_made_reaches_it(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = subprocess.Popen

    def make_late(*args: Any, **options: Any) -> Any:
        process = make(*args, **options)
        os.kill(os.getpid(), signal.SIGINT)
        return process

    fake_pulumi(tmp_path, monkeypatch, "exec sleep 60")
    made[0].prepare()
    monkeypatch.setattr(subprocess, "Popen", make_late)
    with pytest.raises(OperatorError):
        made[0].run("up")
    assert any("Stopping" in line for line in made[1])


def test_a_pulumi_that_was_killed_is_told_with_what_goes_on_from_there(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, "kill -KILL $$")
    made[0].prepare()
    with pytest.raises(OperatorError, match=r"^Pulumi was killed by signal 9\. Run the same command again"):
        made[0].run("up")


def test_a_pulumi_whose_command_is_killed_is_asked_to_end(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, f"""
        trap 'echo ended >{tmp_path}/ended; exit 1' INT
        echo begun >{tmp_path}/begun
        while :; do sleep 0.05; done""")
    made[0].prepare()
    code = f"from pathlib import Path; from ops import stack; made = stack.Stack('local', print); " \
           f"made.log = Path({str(stack.LOG_FOLDER / 'local.log')!r}); made.run('up')"
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(stack.__file__).parents[1]) as command:
        await_file(tmp_path / "begun")
        command.kill()
    await_file(tmp_path / "ended")


def await_file(file: Path) -> None:
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end, file
        time.sleep(0.02)


def test_a_run_that_is_given_up_is_interrupted_once_and_ends_in_order(
    tmp_path: Path, made: tuple[Stack, list[str]], monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_pulumi(tmp_path, monkeypatch, f"""
        trap 'sleep 0.3; echo "error: the update was cancelled"; exit 1' INT
        touch {tmp_path}/trapped
        while :; do sleep 0.05; done""")
    made[0].prepare()
    with pytest.raises(OperatorError, match="the update was cancelled"):
        made[0].run("up", give_up=(tmp_path / "trapped").exists)
    assert sum("Stopping" in line for line in made[1]) == 1
