"""The one mock engine: records what a program registers, and refuses every lookup."""

import hashlib
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.sync_await import _sync_await

CONTAINER = "docker:index/container:Container"
VOLUME = "docker:index/volume:Volume"
NETWORK = "docker:index/network:Network"
IMAGE = "docker:index/image:Image"
COMMAND = "command:local:Command"
PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type token
# How a secret stands in what the engine receives (sdk/go/common/resource/properties.go, SecretSig).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of Pulumi's wire format


@dataclass(frozen=True)
class Registered:
    """One resource as the engine saw it."""

    kind: str
    name: str
    inputs: dict[str, Any]
    provider: str | None = None


def is_secret(value: object) -> bool:
    """Tell whether a recorded input is marked secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def image_id(service: str) -> str:
    """Return the id that a service's image has here, which looks like a real one."""
    return f"sha256:{hashlib.sha256(service.encode()).hexdigest()}"


class RecordingEngine(Mocks):
    """Deploy with `deploy`, then look at `resources`; looking before sees nothing and proves nothing."""

    def __init__(self) -> None:
        self.resources: list[Registered] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(Registered(args.typ, args.name, dict(args.inputs), args.provider))
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: MockCallArgs) -> Any:
        raise AssertionError(f"the program looked up {args.token}")

    def deploy(
        self, program: Callable[[], object], monitor: MockMonitor | None = None, *, preview: bool = False,
    ) -> None:
        """Run the program to its end, with the output that it returns; a monitor of a test's own sees all requests."""
        pulumi.runtime.set_mocks(self, project="stealth-vpn", stack="test", preview=preview, monitor=monitor)

        @pulumi.runtime.test  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
        def run() -> object:
            return program()

        run()

    def deploy_project(self, monitor: MockMonitor | None = None, *, preview: bool = False) -> None:
        """Run this project's program to its end as Pulumi does: in a stack of its own."""
        # Mocks would make a stack of theirs, in which no program may say what comes at its end.
        set_root_resource(cast(pulumi.Resource, object()))
        pulumi.runtime.set_mocks(self, project="stealth-vpn", stack="test", preview=preview, monitor=monitor)
        set_root_resource(None)  # type: ignore[arg-type] # its own default
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()

        def program() -> None:
            runpy.run_path("__main__.py", run_name="__main__")

        # In the loop that `pulumi.runtime.test` has too.
        _sync_await(pulumi.runtime.run_in_stack(program))

    def one(self, name: str, kind: str = CONTAINER) -> dict[str, Any]:
        """Return the inputs of the one resource with that name and kind."""
        (found,) = [item for item in self.resources if (item.name, item.kind) == (name, kind)]
        return found.inputs

    def of_type(self, kind: str) -> list[Registered]:
        """Return every resource of that kind."""
        return [item for item in self.resources if item.kind == kind]


class RandomEngine(RecordingEngine):
    """Gives each password a result and each image an id of its own, as the providers do."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        made, state = super().new_resource(args)
        if args.typ == PASSWORD:
            return "none", {**state, "result": f"result-of-{args.name}", "bcryptHash": f"hash-of-{args.name}"}
        if args.typ == COMMAND:
            return made, {**state, "stdout": "engine 26.1.5\nkey ssh-ed25519 AAAA\n", "stderr": ""}
        if args.typ == IMAGE:
            service = args.name.removeprefix("stealth-").removesuffix("-image")
            return made, {**state, "repoDigest": image_id(service)}
        return made, state
