"""Writes recorded.json anew from a running stack of mode minimal: `toolchain/run.sh python -m tests.ops.verify.record`.

Only what the comparison reads, nothing secret, and nothing that tells of the machine.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from ops.docker import Engine
from ops.stack import Stack
from ops.target import Target
from ops.verify.inspect import Entry, Observed, stack_of

FILE = Path(__file__).with_name("recorded.json")
_CONTAINER = ("Id", "Name", "Image", "State", "Config", "HostConfig", "Mounts", "NetworkSettings")
_INFO = ("SecurityOptions", "DefaultRuntime", "Swarm", "ExperimentalBuild")


def main() -> None:
    """Record."""
    name = os.environ.get("STACK", "local")
    observed = Observed.of(Engine(Target.read(name).docker_host))
    export = json.loads(Stack(name, print).call("stack", "export"))
    resources = [_resource(entry) for entry in export["deployment"]["resources"]
                 if entry["type"].startswith("docker:index/")]
    recorded = {
        "containers": [_container(entry) for entry in observed.containers if _is_own(entry["Config"], name)],
        "networks": [entry for entry in observed.networks if _is_own(entry, name)],
        "volumes": [entry for entry in observed.volumes if _is_own(entry, name)],
        "images": [{key: entry[key] for key in ("Id", "RepoTags", "Config")} for entry in observed.images
                   if any(tag.startswith("stealth-vpn/") for tag in entry["RepoTags"] or [])],
        "info": {key: observed.info[key] for key in _INFO}, "version": {"Version": observed.version["Version"]},
        "state": {"deployment": {"resources": resources}}}
    FILE.write_text(json.dumps(recorded, indent=1).replace(f'"{name}"', '"local"') + "\n")
    print(f"{FILE.name} is written.", file=sys.stderr)


def _is_own(entry: Entry, stack: str) -> bool:
    return stack_of(entry) == stack


def _container(entry: Entry) -> dict[str, Any]:
    kept = {key: entry[key] for key in _CONTAINER}
    (kept["State"].get("Health") or {}).pop("Log", None)
    return kept


def _resource(entry: dict[str, Any]) -> dict[str, Any]:
    outputs = entry.get("outputs") or {}
    # Files are ciphertext here, which is of no use to a test.
    inputs = {key: value for key, value in entry["inputs"].items() if key != "uploads"}
    return {**{key: entry[key] for key in ("type", "urn", "id")}, "inputs": inputs,
            "outputs": {key: outputs[key] for key in ("repoDigest",) if key in outputs}}


if __name__ == "__main__":
    main()
