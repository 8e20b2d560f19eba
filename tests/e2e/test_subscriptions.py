"""A user's address on the deployed server: each client program takes what it gets there, and gets through with it."""

import dataclasses
import json
import subprocess
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from components.keys import XrayKeys
from panel import PanelConfig
from panel.subscriptions.access import Told
from panel.subscriptions.formats import FORMATS
from tests.admin import fleet, panel_file
from tests.admin.subscriptions.people import SECRETS, user
from tests.e2e.client import IMAGE, client
from tests.e2e.configurations import CHECKS, CONFIGURED, WAYS
from tests.e2e.deployment import Server
from tests.e2e.outside import ORIGIN_ADDRESS, PAGE, SERVER_ADDRESS, Outside, is_server
from tests.e2e.programs import PROTOCOLS, program
from tests.e2e.visitor import VERSIONS, comparable, visitor

pytestmark = pytest.mark.integration

NAMED = "origin.example"


@pytest.mark.parametrize("form", CHECKS)
def test_a_program_s_own_check_takes_the_file(deployed: Server, beyond: Outside, tmp_path: Path, form: str) -> None:
    assert check(form, deployed.subscription(form), tmp_path).returncode == 0


@pytest.mark.parametrize("form", CONFIGURED)
@pytest.mark.parametrize("changes", [
    {"status": "expired"}, {"closed_protocols": ["vlessReality"]},
    {"name": 'علی 🌱 "\'\\', "secrets": SECRETS | {"trojan": "12e5", "hysteria2": "\"'\\: #🌱"}},
], ids=["ended", "one closed", "odd"])
def test_a_program_s_own_check_takes_the_file_of_users_whom_it_seldom_meets(
    deployed: Server, beyond: Outside, tmp_path: Path, form: str, changes: dict[str, Any],
) -> None:
    server = PanelConfig.load(panel_file.write(tmp_path)).server
    assert server
    facts = dataclasses.replace(server, authority="", reality_public_key=XrayKeys.from_seed("seed").reality_public_key)
    done = check(form, FORMATS[form].render(Told.of(facts), user(**changes)), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("form", CONFIGURED)
def test_a_program_s_own_check_takes_the_file_of_a_fleet(
    deployed: Server, beyond: Outside, tmp_path: Path, form: str,
) -> None:
    key = XrayKeys.from_seed("seed").reality_public_key
    servers = {name: dataclasses.replace(server, authority="", reality_public_key=key)
               for name, server in fleet.configured(PanelConfig.load(panel_file.write(tmp_path))).servers.items()}
    told = Told(own=servers["main"], servers=servers, is_fleet=True)
    done = check(form, FORMATS[form].render(told, user()), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("form", "broken"), [
    ("sing-box", '{"outbounds": 1}'), ("mihomo", "proxies: [{name: x, type: nonsense}]"), ("xray", '{"inbounds": 1}'),
    ("wireguard", "[Interface]\nPrivateKey = short\n")])
def test_the_checks_can_fail(deployed: Server, beyond: Outside, tmp_path: Path, form: str, broken: str) -> None:
    assert check(form, broken, tmp_path).returncode != 0


def check(form: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # wg-quick(8) wants .conf, and Xray tells by the ending what a file is.
    file = f"client{FORMATS[form].ending}"
    (folder / file).write_text(text)
    command = CHECKS[form].replace("FILE", f"/client/{file}")
    return subprocess.run(
        # wg(8) looks the server up for as long as it takes.
        ["docker", "run", "--rm", "--network", "none", "--add-host", f"www.stealth.test:{SERVER_ADDRESS}",
         "--cap-add", "NET_ADMIN", "--volume", f"{folder}:/client", "--entrypoint", "/bin/sh", IMAGE,
         "-c", f"chmod 600 /client/{file} && {command}"],
        capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("form", "way"), [(form, way) for form, ways in WAYS.items() for way in (None, *ways)])
def test_a_program_gets_through_with_what_the_address_gave_it(
    deployed: Server, beyond: Outside, form: str, way: str | None,
) -> None:
    told = CONFIGURED[form](deployed.subscription(form), way)
    beyond.names[NAMED] = deque([ORIGIN_ADDRESS])
    beyond.seen.clear()
    with client(f"{form}-{(way or 'auto').lower()}", told, deployed.outputs()["authorityCertificate"]) as made:
        done = made.fetch_when_ready(beyond.url.replace(ORIGIN_ADDRESS, NAMED))
        assert done.stdout == PAGE, f"{done.stderr.decode()}\n{made.logs()}"
    # The name was asked for, and the page, by the server alone.
    assert len(beyond.seen) >= 2
    assert all(map(is_server, beyond.seen)), beyond.seen


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_link_and_file_gets_through_by_itself(deployed: Server, beyond: Outside, protocol: str) -> None:
    text = json.loads(deployed.subscription("json"))[protocol]
    beyond.seen.clear()
    with client(f"link-{protocol.lower()}", program(protocol, text),
                deployed.outputs()["authorityCertificate"]) as made:
        done = made.fetch_when_ready(beyond.url)
        assert done.stdout == PAGE, f"{done.stderr.decode()}\n{made.logs()}"
    assert beyond.seen
    assert all(map(is_server, beyond.seen))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_nobody_s_address_is_a_missing_page(
    deployed: Server, beyond: Outside, tmp_path: Path, version: str,
) -> None:
    outputs = deployed.outputs()
    address = outputs["subscriptionUrl"]
    site, _, below = address.removeprefix("https://").partition("/")
    path, _, token = below.partition("/")
    wrong = [f"{path}/{token[:-1]}", f"{path}/{'A' * len(token)}", f"{path}/{token}/",
             f"{path}/{token}?format=nonsense", f"{path}/", path, f"{path}/static/", f"{path}/static/../{token}"]
    with visitor("subscription", tmp_path, outputs["authorityCertificate"]) as somebody:
        def ask(asked: str, *words: str) -> bytes:
            return comparable(somebody.curl(site, "--include", "--path-as-is", version, *words,
                                            f"https://{site}/{asked}").stdout, version)

        missing = ask("missing")
        assert b" 404" in missing.split(b"\r\n")[0]
        assert {asked: ask(asked) for asked in wrong} == dict.fromkeys(wrong, missing)
        for words in (("--head",), ("--request", "POST"), ("--request", "OPTIONS")):
            assert ask(f"{path}/{'A' * len(token)}", *words) == ask("missing", *words), words
        assert b" 200" in ask(below).split(b"\r\n")[0]


def test_the_first_answers_are_the_person_s_page_and_what_their_app_reads(deployed: Server, beyond: Outside) -> None:
    page = deployed.subscription("page")
    assert "first" in page
    assert "<svg" in page
    assert json.loads(deployed.subscription("json")).keys() == set(PROTOCOLS)
