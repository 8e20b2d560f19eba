"""A provider that refuses nothing and makes nothing: whatever is refused beside it, others have refused.

Our own providers refuse by themselves what they do not serve, such as `privileged` (decision 0004), and the engine
asks them before it asks a policy pack. The official ones serve all of it. This one stands for either, and writes
down each resource that it is asked to make.
"""

import sys
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

MADE = "made"
"""File beside the plugin's program with the URN of each resource that was made, one a line."""


class _Permissive(ResourceProviderServicer):  # type: ignore[misc, unused-ignore]
    def __init__(self, made: Path, version: str) -> None:
        self._made, self._version = made, version

    def CheckConfig(self, request: Any, context: object) -> object:  # noqa: N802 - names that gRPC gives them
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: object) -> object:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: object) -> object:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=True, acceptResources=True)

    def Check(self, request: Any, context: object) -> object:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: object) -> object:  # noqa: N802
        with self._made.open("a") as file:
            file.write(request.urn + "\n")
        return provider_pb2.CreateResponse(id="made", properties=request.properties)

    def GetPluginInfo(self, request: object, context: object) -> object:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._version)

    def Cancel(self, request: object, context: object) -> object:  # noqa: N802
        return Empty()


def install(home: Path, *plugins: str) -> Path:
    """Put it into a Pulumi home in the place of plugins such as docker-v5.2.0; returns the file of what it makes."""
    made = home / MADE
    for plugin in plugins:
        name, _, version = plugin.partition("-v")
        program = home / "plugins" / f"resource-{plugin}" / f"pulumi-resource-{name}"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nexec {sys.executable} {__file__} {made} {version}\n")
        program.chmod(0o755)
    return made


def main(made: str, version: str) -> None:
    """Serve until the engine ends this process, which knows it by the port on standard output."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    add_ResourceProviderServicer_to_server(_Permissive(Path(made), version), server)  # type: ignore[no-untyped-call, unused-ignore]
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:3])
