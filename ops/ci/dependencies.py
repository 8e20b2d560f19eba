"""Raises the pins that a machine may raise, and names those that a person must.

A pin that somebody wrote by hand is a decision: `==` in requirements.in, and the minor version of a Go module, because
a daemon's next minor version speaks to clients and to its own API in another way. What follows from those is raised:
Python's packages in the locked files, and Go's modules to their newest patch. No Python package younger than a week is
taken, the time in which one that a thief has published is usually found out. The base image has no pin: it is made anew
by `make ci-rebuild`. Actions are pinned in the workflows, and Dependabot raises them (.github/dependabot.yml).
"""

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import OperatorError
from ..target import ROOT
from .report import Report, fenced

PYTHON = "3.11"
"""The oldest that the toolchain takes; what suits it suits newer ones."""

LEAST_AGE = "7 days"
"""Of a package's release, when it is taken."""

# By folder and the file that it must agree with. The first holds all others' packages, so the others follow it.
_LOCKS = (("", "requirements-dev", ""), ("", "requirements", "requirements-dev.txt"),
          ("admin", "requirements", "../requirements-dev.txt"))
HELD = {
    "toolchain/cli": "Pulumi's version is that of the SDK and of the state (toolchain/lib.sh)",
    "toolchain/languagehost": "Pulumi's version is that of the SDK and of the state (toolchain/lib.sh)",
}
"""Go modules that stay as they are, by folder, and why."""

_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
_GO_PIN = re.compile(r"^(?:require )?\t?([\w.-]+\.[\w./-]+) (v\S+)", re.MULTILINE)


def update(report: Report, show: Callable[[str], None], root: Path = ROOT) -> None:
    """Raise all pins in the work tree; write what was raised and a patch of it. Raises OperatorError.

    A Go module of which something is not to be had stays as it was, and the text says so.
    """
    before = pins(root)
    show("Python's packages ...")
    _python(root)
    faults = []
    for folder in go_modules(root):
        if folder not in HELD:
            show(f"{folder} ...")
            faults += _go(root / folder, folder)
    raised = changes(before, pins(root))
    report.write_text(text(raised, _decisions(root), faults))
    patch = _run(root, "git", "diff", "--binary", "--", *(f":(glob)**/{name}" for name in (
        "requirements*.txt", "go.mod", "go.sum")))
    report.file.with_suffix(".patch").write_text(patch)
    show(f"{len(raised)} pins were raised; see {report.file}.")


def pins(root: Path) -> dict[str, str]:
    """Return every pinned version, by file and name."""
    files = {file: _PIN for folder, name, _ in _LOCKS for file in [root / folder / f"{name}.txt"]}
    files |= {root / folder / "go.mod": _GO_PIN for folder in go_modules(root)}
    return {f"{file.relative_to(root)} {name}": version
            for file, form in files.items() for name, version in form.findall(file.read_text())}


def go_modules(root: Path) -> list[str]:
    """Return the folders of Go modules that git knows."""
    found = _run(root, "git", "ls-files", "--", ":(glob)**/go.mod").splitlines()
    return sorted(str(Path(name).parent) for name in found)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return a line for each pin that is another one now."""
    return [f"{pin}: {before.get(pin, 'none')} -> {after.get(pin, 'none')}"
            for pin in sorted({*before, *after}) if before.get(pin) != after.get(pin)]


def text(raised: list[str], decisions: list[str], faults: list[str]) -> str:
    """Return the text of a pull request."""
    held = [f"{folder} stays: {why}." for folder, why in HELD.items()]
    parts = [f"Raises {len(raised)} pins by `make ci-dependencies`, no Python package to one younger than {LEAST_AGE}.",
             fenced("\n".join(raised)), "Left to a person:", fenced("\n".join([*decisions, *held])),
             "Not raised, because it failed:" if faults else "", fenced("\n".join(faults))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _python(root: Path) -> None:
    for folder, name, agreed in _LOCKS:
        constraint = ["--constraint", agreed] if agreed else []
        # No line about this run's way to the packages goes into the file, for it is this machine's alone.
        _run(root / folder, "uv", "pip", "compile", "--quiet", "--upgrade", "--generate-hashes",
             "--python-version", PYTHON, "--exclude-newer", LEAST_AGE, *constraint,
             "--custom-compile-command", "make ci-dependencies", "--output-file", f"{name}.txt", f"{name}.in")


def _go(folder: Path, name: str) -> list[str]:
    """Raise the modules of a folder; return what went wrong, with which the folder is as it was."""
    module = (folder / "go.mod").read_text()
    patterns = ["./..."] if any(folder.rglob("*.go")) else []
    patterns += ["tool"] if re.search(r"^tool ", module, re.MULTILINE) else []
    if not patterns or not re.search(r"^require ", module, re.MULTILINE):
        return []
    former = {file: file.read_bytes() for file in (folder / "go.mod", folder / "go.sum") if file.exists()}
    try:
        _run(folder, "go", "get", "-u=patch", *patterns)
        _run(folder, "go", "mod", "tidy")
    except OperatorError as error:
        for file, content in former.items():
            file.write_bytes(content)
        return [f"{name}: {error}"]
    return []


def _decisions(root: Path) -> list[str]:
    """Return a line for each version that stands in requirements.in and is not the newest."""
    written = dict(_PIN.findall((root / "requirements.in").read_text()))
    newest = dict(_PIN.findall(_run(
        root, "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate",
        "--python-version", PYTHON, "--exclude-newer", LEAST_AGE, "-", given="\n".join(written))))
    return [f"requirements.in {name}: {version} -> {newest[name]}"
            for name, version in sorted(written.items()) if newest.get(name, version) != version]


def _run(folder: Path, *command: str, given: str = "") -> str:
    try:
        done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise OperatorError(f"the program `{command[0]}` is not here. Install it with `make setup-dev`.") from error
    if done.returncode != 0:
        raise OperatorError(f"`{' '.join(command[:4])} ...` failed: {_reason(done.stderr)}. Run it in {folder} to see "
                            "all of it.")
    return done.stdout


def _reason(said: str) -> str:
    """Return what a program said last, without the address at which it had asked."""
    lines = [line.strip() for line in said.splitlines() if line.strip()][-2:] or ["no reason was given"]
    return re.sub(r": reading \S+:", ":", " ".join(lines)).rstrip(".")
