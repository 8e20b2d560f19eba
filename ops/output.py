"""How every command answers: lines for people, in colour on a terminal, or one JSON document for programs.

`--json` is added here to each command that has none of its own, so that no command can be without it. What such a
command says meanwhile goes to standard error; standard output has the document alone.
"""

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from typing import Any

import click

from .errors import InterruptedRun, OperatorError

REFUSED, MISUSED, DRIFTED, INTERRUPTED = 1, 2, 3, 130
"""Exit codes beside 0: something is wrong or was refused; the command line is wrong; what runs is not what was
deployed; Ctrl-C (128 + SIGINT's number)."""

_ASKED, _JSON, _COMMAND = "ops.asked", "ops.json", "ops.command"
_DETAILS = "ops.details"
# By how a line begins, or what it says.
_STYLES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (r"^(! |Error: )", {"fg": "red"}), (r"^ *-> ", {"fg": "cyan"}), (r"^[A-Z]{3,} +[A-Z]{2,}", {"bold": True}),
    (r"^(All is well|Nothing is wrong|No drift|\d+ promises checked, all kept)", {"fg": "green"}),
    (r"^(Something is wrong|\d+ things? (is|are) wrong|\d+ of \d+ checks failed|\d+ promises: )", {"fg": "red"}),
    (r"^\d+ findings? of drift", {"fg": "red"}),
)


class Commands(click.Group):
    """Turns what an operator can mend into one sentence, and each end into its exit code."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, with `--json`."""
        _give_json(cmd)
        super().add_command(cmd, name)

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except OperatorError as error:
            _fail(context, str(error), INTERRUPTED if isinstance(error, InterruptedRun) else REFUSED)
        except click.Abort:
            _fail(context, "that was not confirmed, so nothing was done.", REFUSED)
        except KeyboardInterrupt:
            _fail(context, "it was interrupted.", INTERRUPTED)
        return None


def wants_json() -> bool:
    """Tell whether the command that runs answers programs."""
    return bool(click.get_current_context().meta.get(_JSON))


def answer_in_json() -> None:
    """Let the command that runs answer programs, also if it fails."""
    context = click.get_current_context()
    context.meta[_JSON], context.meta[_COMMAND] = True, f"{context.info_name} {context.invoked_subcommand}"


def add(**details: Any) -> None:
    """Put something into the document of the command that runs, beside what it says."""
    click.get_current_context().meta.setdefault(_DETAILS, {}).update(details)


def show(lines: Iterable[str]) -> None:
    """Print lines for people: in colour on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    is_plain = bool(os.environ.get("NO_COLOR"))
    for line in lines:
        click.echo(line if is_plain else painted(line))


def painted(line: str) -> str:
    """Return a line with the colour that its kind has; click takes it away where no terminal is."""
    style = next((style for pattern, style in _STYLES if re.search(pattern, line)), None)
    return click.style(line, **style) if style else line


def _fail(context: click.Context, sentence: str, code: int) -> None:
    if context.meta.get(_JSON):
        click.echo(_document(context, code, error=sentence))
    line = f"Error: {sentence}"
    click.echo(line if os.environ.get("NO_COLOR") else painted(line), err=True)
    sys.exit(code)


def _give_json(command: click.Command) -> None:
    """Let a command and those below it answer in JSON, unless they do already."""
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        if _has_json(command) and not _runs_alone(command):
            # The group knows how, and takes the word for all of them; it may stand behind theirs as well.
            inner.params.append(_option(_answer))
        else:
            _give_json(inner)
    if command.callback is None or (isinstance(command, click.Group) and not _runs_alone(command)):
        return
    is_own = _has_json(command)
    if not is_own:
        command.params.append(_option(_remember))
    command.callback = _answering(command.callback, is_own=is_own)


def _has_json(command: click.Command) -> bool:
    return any("--json" in parameter.opts for parameter in command.params)


def _runs_alone(command: click.Command) -> bool:
    return isinstance(command, click.Group) and command.invoke_without_command


def _option(callback: Callable[[click.Context, click.Parameter, bool], None]) -> click.Option:
    return click.Option(["--json"], is_flag=True, expose_value=False, is_eager=True, callback=callback,
                        help="Print one JSON document; all else goes to standard error.")


def _answer(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        context.meta[_JSON], context.meta[_COMMAND] = True, context.command_path.partition(" ")[2]


def _remember(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        context.meta[_ASKED] = context


def _answering(callback: Callable[..., Any], *, is_own: bool) -> Callable[..., Any]:
    def run(*words: Any, **options: Any) -> Any:
        context = click.get_current_context()
        # Of this very command: one that another calls adds its lines to the other's document.
        is_asked = options["as_json"] if is_own else context.meta.get(_ASKED) is context
        if not is_asked or context.invoked_subcommand is not None:
            return callback(*words, **options)
        context.meta[_JSON], context.meta[_COMMAND] = True, context.command_path.partition(" ")[2]
        return callback(*words, **options) if is_own else _collected(context, lambda: callback(*words, **options))
    return run


def _collected(context: click.Context, run: Callable[[], Any]) -> None:
    said, code = _Passed(), 0
    try:
        with redirect_stdout(said):
            run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        # Also of a command that failed: what it had done by then.
        context.meta[_DETAILS] = {"said": said.lines, **context.meta.get(_DETAILS, {})}
    click.echo(_document(context, code))
    if code:
        sys.exit(code)


class _Passed(io.StringIO):
    """Passes on to standard error what is written, and keeps it."""

    def write(self, text: str) -> int:
        click.echo(text, nl=False, err=True)
        return super().write(text)

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()


def _document(context: click.Context, code: int, error: str = "") -> str:
    return json.dumps({
        "command": context.meta.get(_COMMAND, ""), "stack": context.find_root().params.get("stack"), "ok": code == 0,
        "exit_code": code, "error": error, **context.meta.get(_DETAILS, {})}, indent=2, ensure_ascii=False)
