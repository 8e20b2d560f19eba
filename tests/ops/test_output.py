"""What all commands share: exit codes, one document for programs, colour for people, completion."""

import json
import subprocess
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from ops import output
from ops.cli import main
from ops.errors import InterruptedRun, OperatorError
from ops.operations import commands
from ops.panel import Panel
from ops.stack import Stack

LEAVES = {
    "users": ["add alice", "list", "show alice", "edit --note x alice", "enable alice", "disable alice",
              "delete --yes alice", "link alice", "revoke alice", "renew alice", "reset-usage alice", "export",
              "import /dev/null"],
    "accounts": ["list", "add --role reader bob", "reset bob", "role bob reader", "enable bob", "disable bob",
                 "delete --yes bob", "tokens bob", "token --name x --scope users:read bob", "revoke bob 1"],
}
ARGUMENTS = {"restore": "restore latest", "completion": "completion bash", "config get": "config get domain",
             "config import": "config import /dev/null", "pin": "pin nowhere",
             "promote": "promote staging nowhere", "hosts add": "hosts add two ssh://two --domain two.example.org",
             "hosts remove": "hosts remove two", "hosts replace": "hosts replace two ssh://two",
             "hosts drain": "hosts drain two", "hosts undrain": "hosts undrain two"}
# They need no stack, make its file, or find that it is missing.
WITHOUT_STACK = ("completion", "config", "doctor")


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each command that does something."""
    for name, command in group.commands.items():
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*path, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))


def typed() -> list[list[str]]:
    """Return each command with the arguments that it must have."""
    in_groups = [[group, *line.split()] for group, lines in LEAVES.items() for line in lines]
    alone = [ARGUMENTS.get(" ".join(path), " ".join(path)).split() for path in leaves(main) if path[0] not in LEAVES]
    return [*in_groups, *alone]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["--stack", "nowhere", *words])


def test_every_command_is_tried_here() -> None:
    tried = {" ".join(words[:2]) if words[0] in LEAVES else words[0] for words in typed()}
    assert {" ".join(path) if path[0] in LEAVES else path[0] for path in leaves(main)} == tried


REFUSED = [words for words in typed() if not " ".join(words).startswith(WITHOUT_STACK)]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_refusal_ends_with_1_and_one_sentence_or_one_document(words: list[str]) -> None:
    done = run(*words)
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("Error: stack nowhere has no file Pulumi.nowhere.yaml")
    assert done.stdout == ""
    done = run(*words, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert (document["ok"], document["exit_code"], document["stack"]) == (False, 1, "nowhere")
    assert document["error"].startswith("stack nowhere has no file")
    assert " ".join(words).startswith(document["command"])
    assert document["command"]


@pytest.mark.parametrize("words", [("users", "--json", "list"), ("users", "list", "--json")])
def test_for_users_it_may_stand_at_either_place(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "call", lambda *_, **__: {"users": [], "total": 0})
    done = CliRunner().invoke(main, list(words))
    assert json.loads(done.stdout) == []


def test_the_doctor_finds_that_the_stack_is_missing() -> None:
    done = run("doctor", "--json")
    assert done.exit_code == 1
    assert [item["name"] for item in json.loads(done.stdout)["findings"]] == ["configuration-unreadable"]


@pytest.mark.parametrize("words", typed(), ids=" ".join)
def test_a_wrong_command_line_ends_with_2(words: list[str]) -> None:
    assert run(*words, "--no-such-option").exit_code == 2


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Lets `ops build` do what a test says, as if it had been typed by somebody."""
    class Builder:
        def __init__(self, act: Callable[[], None]) -> None:
            self.build = act
    return lambda act: monkeypatch.setattr(commands, "_builder", lambda _: Builder(act))


def test_a_command_that_works_answers_with_what_it_said(build: Callable[[Callable[[], None]], None]) -> None:
    def act() -> None:
        click.echo("One image was built.")
        output.add(images=1)
    build(act)
    done = run("build", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"command": "build", "stack": "nowhere", "ok": True, "exit_code": 0, "error": "",
                                       "said": ["One image was built."], "images": 1}
    assert done.stderr == "One image was built.\n"
    assert run("build").stdout == "One image was built.\n"


@pytest.mark.parametrize(("error", "code"), [
    (OperatorError("it cannot."), 1), (InterruptedRun("the update was cancelled"), 130), (KeyboardInterrupt(), 130),
    (click.Abort(), 1)])
def test_each_end_has_its_exit_code_and_tells_what_was_done_before(
    build: Callable[[Callable[[], None]], None], error: BaseException, code: int,
) -> None:
    def act() -> None:
        click.echo("Half of it.")
        raise error
    build(act)
    assert run("build").exit_code == code
    done = run("build", "--json")
    assert done.exit_code == code
    document = json.loads(done.stdout)
    assert (document["exit_code"], document["ok"], document["said"]) == (code, False, ["Half of it."])
    assert document["error"]


def test_a_run_that_was_ended_by_a_signal_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # The exit code comes from the kind of error that Stack.run raises; tests/ops/test_stack.py lets signals come.
    def interrupted(*_: object) -> None:
        raise InterruptedRun("the update was cancelled")
    monkeypatch.setattr(Stack, "prepare", interrupted)
    assert CliRunner().invoke(main, ["preview"]).exit_code == 130


@pytest.mark.parametrize(("line", "colour"), [
    ("! xray is paused.", "\x1b[31m"), ("    -> ops start xray", "\x1b[36m"), ("All is well: 6 services.", "\x1b[32m"),
    ("2 things are wrong.", "\x1b[31m"), ("SERVICE  STATE    HEALTH", "\x1b[1m"), ("xray     running  healthy", "")])
def test_lines_have_their_colour_on_a_terminal_and_none_elsewhere(
    monkeypatch: pytest.MonkeyPatch, line: str, colour: str,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)

    @click.command()
    def shown() -> None:
        output.show([line])
    assert CliRunner().invoke(shown, color=True).output.startswith(colour + line)
    assert CliRunner().invoke(shown, color=False).output == f"{line}\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert CliRunner().invoke(shown, color=True).output == f"{line}\n"


@pytest.mark.parametrize(("shell", "part"), [("bash", "complete -o nosort -F"), ("zsh", "#compdef ops"),
                                             ("fish", "complete --no-files --command ops")])
def test_completion_is_printed_for_each_shell(shell: str, part: str) -> None:
    done = run("completion", shell)
    assert done.exit_code == 0
    assert part in done.stdout
    assert f"_OPS_COMPLETE={shell}_complete" in done.stdout


def test_bash_takes_what_is_printed_for_it() -> None:
    said = subprocess.run(["bash", "-c", 'eval "$1"; complete -p ops', "bash", run("completion", "bash").stdout],
                          capture_output=True, text=True, check=True)
    assert said.stdout.strip().endswith("_ops_completion ops")


def test_a_command_that_calls_another_answers_once() -> None:
    @click.command()
    def inner() -> None:
        click.echo("inner")

    @click.command()
    @click.pass_context
    def outer(context: click.Context) -> None:
        click.echo("outer")
        context.invoke(inner)
    group = output.Commands("all")
    group.add_command(inner)
    group.add_command(outer)
    done = CliRunner().invoke(group, ["outer", "--json"])
    assert json.loads(done.stdout)["said"] == ["outer", "inner"]
