"""The real program's resources as the engine would hand them to a policy pack: inputs, options, provider and URN.

`tests/engine.py` keeps what a program means; this keeps all that a registration says, for a policy may look at it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import yaml
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.mocks import MockMonitor

from tests.certificates import PrivateAuthority
from tests.engine import CONTAINER, IMAGE, NETWORK, PASSWORD, SECRET, SIGNATURE, VOLUME, RandomEngine
from tests.settings import PROJECT, SCHEMA
from tests.settings import SECRET as SECRET_KEYS

PROVIDER = "pulumi:providers:docker"
REAL_KINDS = (CONTAINER, IMAGE, NETWORK, VOLUME, PASSWORD, PROVIDER)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration."""

    kind: str
    name: str
    urn: str
    inputs: dict[str, Any]
    """As on the wire: secrets carry their mark, unknown values stand as the engine's words for them."""

    options: dict[str, Any] = field(default_factory=dict)
    """protect, ignoreChanges, deleteBeforeReplace and parent, where the program set them."""

    provider: "Resource | None" = None
    outputs: dict[str, Any] = field(default_factory=dict)
    """What the engine knows after the deploy beside the inputs."""


class _Recorder(MockMonitor):
    """Keeps each request whole before the mocks take it apart."""

    def __init__(self, engine: RandomEngine) -> None:
        super().__init__(engine)  # type: ignore[no-untyped-call, unused-ignore]
        self.recorded: list[Resource] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name that gRPC gives it
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call, unused-ignore]
        by_urn = {item.urn: item for item in self.recorded}
        inputs = MessageToDict(request.object)
        self.recorded.append(Resource(
            kind=request.type, name=request.name, urn=answer.urn, inputs=inputs, options=_options(request),
            provider=by_urn.get(request.provider.rpartition("::")[0]),
            outputs=inputs | MessageToDict(answer.object) | ({"id": answer.id} if answer.id else {})))
        return answer


class _UpdateEngine(RandomEngine):
    """Gives each image an id that looks like one."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        made, state = super().new_resource(args)
        if args.typ == IMAGE:
            state |= {"repoDigest": f"sha256:{hashlib.sha256(args.name.encode()).hexdigest()}"}
        return made, state


class _PreviewEngine(RandomEngine):
    """Knows of a resource what the program says, and nothing of what its provider would."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return None, dict(args.inputs)


def _options(request: Any) -> dict[str, Any]:
    options = {"protect": request.protect, "ignoreChanges": list(request.ignoreChanges), "parent": request.parent}
    if request.deleteBeforeReplaceDefined:
        options |= {"deleteBeforeReplace": request.deleteBeforeReplace, "deleteBeforeReplaceDefined": True}
    return options


def record(program: Callable[[], object], *, preview: bool = False) -> tuple[Resource, ...]:
    """Run a program under mocks and return what it registered, by URN: the order of a run is never the same."""
    return _recorded(lambda engine, recorder: engine.deploy(program, monitor=recorder, preview=preview), preview)


def _recorded(deploy: Callable[[RandomEngine, "_Recorder"], None], preview: bool) -> tuple[Resource, ...]:
    engine = _PreviewEngine() if preview else _UpdateEngine()
    recorder = _Recorder(engine)
    deploy(engine, recorder)
    return tuple(sorted(recorder.recorded, key=lambda item: item.urn))


def run(
    changes: Mapping[str, object], *, stack: str = "local", preview: bool = False,
) -> tuple[Resource, ...]:
    """Run the real program with a stack's file and changes to it."""
    values: dict[str, object] = {key: entry["default"] for key, entry in SCHEMA.items() if "default" in entry}
    values |= {"resourceProfile": "standard"} | _stack_file(stack) | dict(changes)
    pulumi.runtime.set_all_config({
        f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()},
        secret_keys=[f"{PROJECT}:{key}" for key in SECRET_KEYS])
    return _recorded(lambda engine, recorder: engine.deploy_project(recorder, preview=preview), preview)


def _stack_file(name: str) -> dict[str, object]:
    config = yaml.safe_load(Path(f"Pulumi.{name}.yaml").read_text())["config"]
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


CONFIGURATIONS: Mapping[str, Mapping[str, object]] = {
    "full": {},
    "minimal": {"mode": "minimal"},
    "small": {"resourceProfile": "small"},
    "ipv6": {"ipv6": True},
    "acme": {"tls": "acme"},
    "by ssh": {"dockerHost": "ssh://deploy@vpn.example.com:2222"},
    "by ssh, built there": {"dockerHost": "ssh://deploy@vpn.example.com", "buildOn": "host"},
    "acme minimal": {"tls": "acme", "mode": "minimal"},
    "private authority": {"tls": "acme", "tlsRootFile": "root.pem"},
    "own certificates": {"tls": "files", "tlsCertificateFile": "chain.pem", "tlsKeyFile": "key.pem",
                         "tlsRootFile": "root.pem"},
    "own site": {"siteDir": "images/caddy/site"},
    "other ports": {"httpPort": 8080, "httpsPort": 8443, "adminPanelPort": 9010},
    "other networks": {"networkSubnet": "10.20.0.0/16", "vpnSubnet": "192.168.9.0/24"},
    "kernel modules": {"allowSysModule": True},
    "other engine": {"dockerHost": "ssh://deploy@vpn.example.com"},
    "database elsewhere": {"databaseUrl": "postgresql+psycopg://panel:word-of-a-test@db.example.com/panel",
                           "alertWebhookUrl": "https://alerts.example.com/word-of-a-test"},
    "fleet": {"databaseUrl": "postgresql+psycopg://panel:word-of-a-test@db.example.com/panel", "hosts": [
        {"name": name, "dockerHost": f"ssh://deploy@{name}.example.org", "domain": f"{name}.example.org",
         "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvb2ttYXJrLW9mLWEtdGVzdC1hbmQtbm8ta2V5ISE="}
        for name in ("two", "three")]},
    "other limits": {"logMaxSize": "5m", "logMaxFiles": 2, "openFilesLimit": 65536, "healthInterval": "10s"},
}
"""Every setting that changes the shape of a resource, by a name for test reports."""


def configure(name: str, folder: Path) -> dict[str, object]:
    """Return a configuration with the files that it names written into the folder."""
    changes = dict(CONFIGURATIONS[name])
    if any(key.startswith("tls") and key.endswith("File") for key in changes):
        _write_certificates(folder)
        changes |= {key: str(folder / str(value)) for key, value in changes.items() if key.endswith("File")}
    return changes


def _write_certificates(folder: Path) -> None:
    own = PrivateAuthority()
    pair = own.pair(["*.stealth.test"])
    texts = {"chain.pem": pair.chain_pem, "key.pem": pair.private_key_pem, "root.pem": own.root_pem}
    for name, text in texts.items():
        (folder / name).write_text(text)


@cache
def full() -> tuple[Resource, ...]:
    """The program with the local stack's file, run once for all tests of a process."""
    return run({})


def secret(value: object) -> dict[str, object]:
    """Mark a value as a secret, as it is on the wire."""
    return {SIGNATURE: SECRET, "value": value}
