"""What an engine lacks is brought to it under its id and its name, or one sentence says why not."""

from collections.abc import Callable, Sequence
from subprocess import CompletedProcess

import pytest

from ops import carriage
from ops.docker import Engine
from ops.errors import OperatorError

XRAY, ADMIN = ("stealth-vpn/xray:local", "sha256:1"), ("stealth-vpn/admin:local", "sha256:2")
BASE = ("stealth-vpn/os:trixie", "")


class Store(Engine):
    """An engine that has images, in memory."""

    def __init__(self, host: str, *images: str, architecture: str = "amd64") -> None:
        super().__init__(host)
        self.images, self.names, self._architecture = set(images), dict[str, str](), architecture

    def version(self) -> str:
        return "26.1.5"

    def has_image(self, name: str) -> bool:
        return name in self.images

    def ask(self, *words: str) -> CompletedProcess[str]:
        if words[0] == "tag":
            self.names[words[2]] = words[1]
        return CompletedProcess(words, 0, self._architecture, "")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was carried, which arrives."""
    carried = list[list[str]]()

    def carry(_source: Engine, target: Store, images: Sequence[str], _show: Callable[[str], None]) -> str:
        carried.append(list(images))
        target.images |= set(images)
        return ""

    monkeypatch.setattr(carriage, "carry", carry)
    return carried


def bring(source: Store, target: Store, *images: tuple[str, str]) -> None:
    carriage.bring(source, target, dict(images), lambda _: None)


def test_only_what_is_missing_goes_and_each_gets_its_name(streams: list[list[str]]) -> None:
    target = Store("ssh://there", "sha256:1")
    bring(Store("unix:///here", "sha256:1", "sha256:2"), target, XRAY, ADMIN)
    assert streams == [["sha256:2"]]
    assert target.names == dict([XRAY, ADMIN])
    bring(Store("unix:///here"), target, XRAY, ADMIN)
    assert streams == [["sha256:2"]], "an engine that has all needs nobody"


def test_an_image_without_an_id_goes_by_its_name(streams: list[list[str]]) -> None:
    target = Store("ssh://there")
    bring(Store("unix:///here", BASE[0]), target, BASE)
    assert streams == [[BASE[0]]]
    assert target.names == {}


@pytest.mark.parametrize(("image", "fix"), [(XRAY, "`make rebuild SERVICE=xray`"), (BASE, "`make setup` makes it")])
def test_what_is_on_neither_engine_is_told_with_what_makes_it(
    streams: list[list[str]], image: tuple[str, str], fix: str,
) -> None:
    with pytest.raises(OperatorError, match=r"is neither on ssh://there nor on unix:///here") as refused:
        bring(Store("unix:///here"), Store("ssh://there"), image)
    assert fix in str(refused.value)
    assert streams == []


def test_another_kind_of_machine_gets_nothing(streams: list[list[str]]) -> None:
    with pytest.raises(OperatorError, match=r"are for amd64, but ssh://there is a machine of arm64.*buildOn host"):
        bring(Store("unix:///here", "sha256:1"), Store("ssh://there", architecture="arm64"), XRAY)
    assert streams == []


def test_images_that_do_not_arrive_or_get_another_id_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Store("unix:///here", "sha256:1")
    monkeypatch.setattr(carriage, "carry", lambda *_: "no space left on device")
    with pytest.raises(OperatorError, match=r"did not reach ssh://there: no space left on device. Nothing that runs"):
        bring(source, Store("ssh://there"), XRAY)
    monkeypatch.setattr(carriage, "carry", lambda *_: "")
    with pytest.raises(OperatorError, match=r"another id on ssh://there .*containerd-snapshotter"):
        bring(source, Store("ssh://there"), XRAY)


def test_images_are_read_line_by_line() -> None:
    assert carriage.parsed("stealth-vpn/xray:local sha256:1\nstealth-vpn/os:trixie\n") == dict([XRAY, BASE])
