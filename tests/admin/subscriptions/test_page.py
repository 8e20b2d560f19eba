"""What the page shows, apart from its answers (test_views.py): pictures that can be read, and apps that open."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import zxingcpp
from hypothesis import given

from panel.config import ServerFacts
from panel.qr import qr_code
from panel.subscriptions import every_way
from panel.subscriptions.access import Told
from panel.subscriptions.links import share_links
from panel.subscriptions.page import APPS, SYSTEMS, App, files, openers, ways
from tests.admin.subscriptions.people import FEW, NAMES, user

_PIXELS = 4


def scanned(svg: str) -> str:
    """Return what a camera reads; the picture is drawn from the element's one path of horizontal lines."""
    size = int(re.findall(r'viewBox="0 0 (\d+) \1"', svg)[0])
    (path,) = re.findall(r' d="([^"]+)"', svg)
    light = [[255] * size for _ in range(size)]
    x = y = 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if command == "h":
            for column in range(int(x), int(x) + int(first)):
                light[int(y)][column] = 0
            x += int(first)
        else:
            x, y = (float(first), float(second)) if command == "M" else (x + float(first), y + float(second))
    drawn = b"".join(bytes(value for value in row for _ in range(_PIXELS)) * _PIXELS for row in light)
    found = zxingcpp.read_barcode(memoryview(drawn).cast("B", (size * _PIXELS, size * _PIXELS)))
    assert found is not None
    return str(found.text)


def test_every_way_s_picture_is_its_link_or_file(server: ServerFacts) -> None:
    texts = every_way(server, user())
    shown = {way.title: way for way in ways(Told.of(server), user())}
    assert [way.text for way in shown.values()] == list(texts.values())
    pictures = {way.text: scanned(way.code) for way in shown.values() if way.code}
    assert list(pictures) == [texts[name] for name in texts if name != "wireguardWebsocket"]
    assert all(text == picture for text, picture in pictures.items())


@FEW
@given(name=NAMES)
def test_whatever_a_user_s_name_a_link_can_be_scanned(server: ServerFacts, name: str) -> None:
    link = share_links(server, user(name=name))["vlessReality"]
    assert scanned(qr_code(link)) == link


def test_a_text_without_room_in_a_picture_has_none() -> None:
    # ISO/IEC 18004: 2953 bytes at most.
    assert qr_code("x" * 2953)
    assert qr_code("x" * 2954) == ""


def test_a_picture_brings_no_style_of_its_own() -> None:
    assert "style" not in qr_code("anything")


@FEW
@given(name=NAMES)
def test_an_app_is_opened_with_the_address_and_the_name(name: str) -> None:
    url = "https://www.example.com/0f1e2d3c4b5a69788796a5b4/token?x=1&y#z"
    for apps in openers(url, name).values():
        for app, address in apps:
            if address:
                split = urlsplit(address)
                assert not set(address) & set(" \"'<>")
                assert url in unquote(address), app
                assert unquote(split.fragment) in ("", name)


def test_there_are_apps_for_every_system() -> None:
    assert {system: bool(apps) for system, apps in openers("https://x", "x").items()} == dict.fromkeys(SYSTEMS, True)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_the_documents_name_every_app(app: App) -> None:
    assert app.name in Path("docs/clients.md").read_text()


def test_who_has_wireguard_only_is_offered_no_file_without_a_way(server: ServerFacts) -> None:
    only = user(closed_protocols=["vlessReality", "vlessWebsocket", "trojan", "shadowtls", "hysteria2", "tuic"])
    assert files(Told.of(server), only) == {}
    assert [way.file for way in ways(Told.of(server), only)] == ["wireguard", "wireguard-websocket"]
