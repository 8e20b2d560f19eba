import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops import preflight
from ops.docker import Engine
from ops.errors import OperatorError
from ops.target import Target


class FakeEngine(Engine):
    """Answers from memory."""

    def __init__(
        self, publisher: str = "", *, built: bool = True, folder: str = "/", version: str = "26.1.5",
        experimental: bool = False,
    ) -> None:
        super().__init__("unix:///nowhere.sock")
        self._publisher, self._built, self._folder = publisher, built, folder
        self._version, self._experimental = version, experimental

    def version(self) -> str:
        return self._version

    def is_experimental(self) -> bool:
        return self._experimental

    def publishers(self) -> dict[str, str]:
        return {f"{port}/{transport}": self._publisher for port in range(1, 65536) for transport in ("tcp", "udp")}

    def has_image(self, name: str) -> bool:
        return self._built

    def data_folder(self) -> str:
        return self._folder


def check(engine: Engine, monkeypatch: pytest.MonkeyPatch, port: object, ipv6: object = False) -> None:
    monkeypatch.setattr(preflight, "Engine", lambda _: engine)
    preflight.check(Target(
        stack="local", docker_host="unix:///nowhere.sock", http_port=1, https_port=port, ipv6=ipv6))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("write", [int, str])
def test_a_taken_port_is_refused_with_its_holder_and_the_fix(
    taken: int, write: Callable[[int], object], monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OperatorError, match=rf"port {taken}/tcp is taken by .+ \(process \d+\)") as refused:
        check(FakeEngine(), monkeypatch, write(taken))
    assert "pulumi config set httpsPort <port>" in str(refused.value)


def test_a_port_of_another_container_names_that_container(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperatorError, match="is taken by the container other-web"):
        check(FakeEngine("other-web"), monkeypatch, taken)


def test_our_own_caddy_may_hold_the_port(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(FakeEngine("stealth-caddy"), monkeypatch, taken)


def test_a_free_port_passes_and_one_out_of_range_is_left_to_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    check(FakeEngine(), monkeypatch, 2)
    check(FakeEngine(), monkeypatch, "many")


@pytest.mark.parametrize("version", ["20.10.24+dfsg1", "24.0.7"])
def test_an_engine_that_is_too_old_is_refused(version: str) -> None:
    with pytest.raises(OperatorError, match=r"Docker Engine is 2\d.*25 or newer"):
        preflight.check_version(version)


@pytest.mark.parametrize("ipv6", [True, "true"])
def test_ipv6_is_refused_on_an_engine_that_does_not_filter_it(
    monkeypatch: pytest.MonkeyPatch, ipv6: object,
) -> None:
    with pytest.raises(OperatorError, match=r"ipv6 is true, but Docker Engine 26\.1\.5 neither.*daemon\.json"):
        check(FakeEngine(), monkeypatch, 2, ipv6)


@pytest.mark.parametrize("engine", [
    FakeEngine(experimental=True), FakeEngine(version="27.0.1"), FakeEngine(version="29.1.0")])
def test_ipv6_passes_on_an_engine_that_filters_it(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> None:
    check(engine, monkeypatch, 2, ipv6=True)


def test_too_little_space_is_refused_before_the_first_build_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "BUILD_BYTES", 1 << 60)
    check(FakeEngine(built=True), monkeypatch, 2)
    with pytest.raises(OperatorError, match="GiB free, but the first build"):
        check(FakeEngine(built=False, folder="/nowhere/below"), monkeypatch, 2)


def test_an_engine_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"Docker Engine at unix://.* does not answer: .*toolchain/engine.sh"):
        Engine(f"unix://{tmp_path}/none.sock").version()


class FarEngine(FakeEngine):
    """Is reached by ssh, and its machine answers `df` so."""

    host = "ssh://deploy@vpn.test:2222"

    def __init__(self, said: str) -> None:
        super().__init__(folder="/var/lib/docker")
        self.host, self._said = FarEngine.host, said

    def on_host(self, script: str, *, seconds: int = 60) -> subprocess.CompletedProcess[str]:
        assert script == "df -Pk /var/lib/docker"
        return subprocess.CompletedProcess((), 0, self._said, "")


def far(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FarEngine(said)
    monkeypatch.setattr(preflight, "Engine", lambda _: engine)
    preflight.check(Target(stack="prod", docker_host=FarEngine.host, http_port=80, https_port=443, ipv6=False))


_DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 1000000 2 {} 9% /var/lib/docker\n"


def test_a_nearly_full_disk_of_a_host_is_refused_before_anything_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperatorError, match=(
            r"the disk of ssh://deploy@vpn\.test:2222 is nearly full: /var/lib/docker has 100 MiB free, but a deploy "
            r"needs 256 MiB\. .*`ssh -p 2222 deploy@vpn\.test docker system prune`")):
        far(_DF.format(100 << 10), monkeypatch)


@pytest.mark.parametrize("said", [_DF.format(256 << 10), _DF.format(1 << 30), "", "df: no such file", _DF.format("-")])
def test_a_host_with_room_or_one_that_does_not_tell_is_deployed_to(
    said: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    far(said, monkeypatch)


class Bare(Engine):
    """A machine without Docker that lets us in, as root or not, or not at all."""

    def __init__(self, who: str) -> None:
        super().__init__("ssh://deploy@there")
        self._who = who

    def version(self) -> str:
        raise OperatorError("Docker Engine at ssh://deploy@there does not answer: docker: not found.")

    def on_host(self, script: str, *, seconds: int = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess((), 0 if self._who else 255, f"{self._who}\n", "")


def remote(monkeypatch: pytest.MonkeyPatch, who: str, **changes: Any) -> Engine:
    monkeypatch.setattr(preflight, "Engine", lambda _: Bare(who))
    return preflight.check(replace(Target(
        stack="prod", docker_host="ssh://deploy@there", http_port=80, https_port=443, ipv6=False), **changes),
        deploys=True)


def test_a_machine_without_docker_passes_where_the_deploy_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(remote(monkeypatch, "0"), Bare)


@pytest.mark.parametrize(("who", "setup"), [("0", False), ("0", "false"), ("1000", True), ("", True)])
def test_it_does_not_where_nobody_brings_it_or_may(
    monkeypatch: pytest.MonkeyPatch, who: str, setup: object,
) -> None:
    with pytest.raises(OperatorError, match="does not answer: docker: not found"):
        remote(monkeypatch, who, host_setup=setup)
