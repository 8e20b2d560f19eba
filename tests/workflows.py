"""The pipelines as their YAML says them: which make targets, in which order, with which rights."""

import re
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
NAMES = tuple(sorted(file.stem for file in FOLDER.glob("*.yml")))


@dataclass(frozen=True)
class Job:
    """One job of a workflow."""

    name: str
    given: dict[str, Any] = field(repr=False)

    @property
    def needs(self) -> list[str]:
        """Jobs that must have passed before."""
        needs = self.given.get("needs") or []
        return [needs] if isinstance(needs, str) else list(needs)

    @property
    def calls(self) -> str:
        """Name of the workflow of ours that it calls; empty if none."""
        return Path(str(self.given.get("uses", ""))).stem

    @property
    def environment(self) -> str:
        """Name of the environment whose secrets and reviewers it has; empty if none."""
        given = self.given.get("environment") or ""
        return given["name"] if isinstance(given, dict) else given

    @property
    def stack(self) -> str:
        """Stack that it works on; empty if none."""
        return str((self.given.get("env") or {}).get("STACK", ""))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Its steps; none of a job that calls another workflow."""
        return list(self.given.get("steps") or [])

    @property
    def targets(self) -> list[str]:
        """Make targets that it calls, in their order."""
        lines = [step["run"] for step in self.steps if "run" in step]
        return [line.split()[1] for line in lines if line.startswith("make ")]


def parsed(name: str) -> dict[Any, Any]:
    """Return a workflow."""
    found: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return found


def triggers(name: str) -> dict[str, Any]:
    """Return what starts a workflow. YAML 1.1 takes the word `on` for true."""
    found: dict[str, Any] = parsed(name)[True]
    return found


def jobs(name: str) -> list[Job]:
    """Return a workflow's own jobs as they are written."""
    return [Job(key, given) for key, given in parsed(name)["jobs"].items()]


def in_order(name: str) -> list[Job]:
    """Return a workflow's jobs, each after those that it needs, and a called workflow's in place of the call."""
    found = {job.name: job for job in jobs(name)}
    ordered = [found[key] for key in TopologicalSorter({key: job.needs for key, job in found.items()}).static_order()]
    return [inner for job in ordered for inner in (in_order(job.calls) if job.calls else [job])]


def order(name: str) -> list[tuple[str, str]]:
    """Return all that a workflow runs: stack, empty if none, and make target."""
    return [(job.stack, target) for job in in_order(name) for target in job.targets]


def make_targets() -> set[str]:
    """Return the names of the targets of the Makefile."""
    return {name for line in re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            for name in line.split()}
