"""Hunts every secret value of a deployed server in all the places where others may look."""

import dataclasses
import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import pytest
from hpack import Encoder
from hyperframe.frame import HeadersFrame, SettingsFrame

from components.authority import Authority
from components.keys import PanelKeys, SingboxKeys, TrojanKeys, WireguardKeys, XrayKeys
from ops.probe.line import Endpoint, Line
from ops.probe.session import Session, context
from tests.e2e.containers import call_text
from tests.e2e.deployment import LABEL, SERVICES, STACK, Server, address, docker

pytestmark = pytest.mark.integration

# What a client is meant to be told, or what is public by its nature.
PUBLIC = {"reality_public_key", "public_key"}


def seeds(server: Server) -> dict[str, dict[str, str]]:
    done = server.pulumi("stack", "export", "--show-secrets")
    assert done.returncode == 0, done.stdout
    resources = json.loads(done.stdout)["deployment"]["resources"]
    found = {}
    for entry in resources:
        if entry["type"].endswith(":RandomPassword"):
            outputs = {key: json.loads(value["plaintext"]) for key, value in entry["outputs"].items()
                       if isinstance(value, dict) and "plaintext" in value}
            found[entry["urn"].rpartition("::")[2]] = outputs
    return found


def secrets_of_user(links: dict[str, str]) -> dict[str, str]:
    """Return what the links and files of a user hold that is the user's own."""
    found = {f"user.{protocol}": unquote(link.split("://")[1].split("@")[0]).split(":")[-1]
             for protocol, link in links.items() if "@" in link.partition("?")[0]}
    for protocol in set(links) - {name.removeprefix("user.") for name in found}:
        keys = re.findall(r"^(?:PrivateKey|PresharedKey) = (\S+)$|^# AUTH=\w+:(\S+)$", links[protocol], re.M)
        found |= {f"user.{protocol}.{number}": "".join(key) for number, key in enumerate(keys)}
    return found


def known_secrets(server: Server) -> dict[str, str]:
    """Return every secret value by what it is."""
    made = seeds(server)
    values = {f"{name}.{key}": text for name, outputs in made.items() for key, text in outputs.items()}
    for name, kind in (("xray", XrayKeys), ("trojan", TrojanKeys), ("singbox", SingboxKeys),
                       ("wireguard", WireguardKeys), ("panel", PanelKeys)):
        keys: Any = kind.from_seed(made[f"{name}-seed"]["result"])
        # A former one is empty outside an overlap.
        values |= {f"{name}.{key}": text for key, text in dataclasses.asdict(keys).items()
                   if text and key not in PUBLIC}
    values |= secrets_of_user(server.links())
    authority = Authority.from_seed(made["authority-seed"]["result"], "stealth.test")
    # A line of the key, for the whole may be folded differently elsewhere.
    values["authority.key"] = authority.private_key_pem.splitlines()[1]
    values["passphrase"] = (server.folder / ".pulumi-passphrase").read_text().strip()
    return values


def hunt(place: str, text: str, secrets: dict[str, str]) -> list[str]:
    """Return what was found, by name: a failing test must not print the secret itself."""
    return [f"{name} stands in {place}" for name, value in secrets.items() if value in text]


def test_the_hunt_knows_every_kind_of_secret_and_finds_one_that_is_there(deployed: Server) -> None:
    secrets = known_secrets(deployed)
    assert len(secrets) >= 30
    assert all(len(value) >= 16 for value in secrets.values())
    assert len([name for name in secrets if name.startswith("user.")]) == 6 + 2 + 3
    links = set(hunt("links", json.dumps(deployed.links()), secrets))
    told = ("wireguard.websocket_path", "user.vlessReality", "user.trojan", "user.wireguard.0")
    assert {f"{name} stands in links" for name in told} < links
    assert "xray.reality_private_key stands in links" not in links


def test_no_secret_stands_in_the_exported_state(deployed: Server) -> None:
    state = deployed.pulumi("stack", "export").stdout
    assert "RandomPassword" in state
    assert hunt("the state", state, known_secrets(deployed)) == []


def test_no_secret_stands_in_what_docker_tells(deployed: Server) -> None:
    secrets = known_secrets(deployed)
    containers = docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={STACK}").split()
    volumes = docker("volume", "ls", "--quiet", "--filter", f"label={LABEL}={STACK}").split()
    found = hunt("docker inspect", docker("inspect", *containers), secrets)
    found += hunt("docker volume inspect", docker("volume", "inspect", *volumes), secrets)
    for service in SERVICES:
        image = f"stealth-vpn/{service}:local"
        found += hunt(f"history of {image}", docker("history", "--no-trunc", image), secrets)
        found += hunt(f"{image}", docker("image", "inspect", image), secrets)
    assert found == []


def leave_half_read(url: SplitResult) -> None:
    """Ask for a page by HTTP/2, take none of its body (RFC 9113 section 6.9.2), and go: Caddy then writes a line."""
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", str(url.hostname)), (":path", url.path),
              ("referer", url.geturl())]
    ask = HeadersFrame(1, data=Encoder().encode(fields), flags=["END_HEADERS", "END_STREAM"])
    with Line(Endpoint(host=address("caddy"), domain="stealth.test")) as line:
        session = Session(line, context(("h2",)), url.hostname)
        assert session.handshake()
        no_window = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        session.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + no_window.serialize() + ask.serialize())
        session.read()


def test_no_secret_stands_in_any_log(deployed: Server) -> None:
    secrets = known_secrets(deployed)
    leave_half_read(urlsplit(f"{deployed.outputs()['panelUrl']}static/panel.css"))
    end = time.monotonic() + 30
    while "aborting with incomplete response" not in (logs := docker_logs("caddy")) and time.monotonic() < end:
        time.sleep(0.1)
    assert "aborting with incomplete response" in logs
    found = []
    for service in SERVICES:
        found += hunt(f"logs of {service}", docker_logs(service), secrets)
    for file in (deployed.folder / ".pulumi" / "logs").iterdir():
        found += hunt(file.name, file.read_text(), secrets)
    assert found == []


def docker_logs(service: str) -> str:
    """Return all that a service said."""
    done = call_text("logs", f"stealth-{service}")
    return done.stdout + done.stderr


def process_list() -> str:
    """Return command lines and environments of all processes, those in containers too."""
    texts = []
    for folder in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                texts.append(Path("/proc", folder, name).read_bytes().replace(b"\0", b"\n").decode(errors="replace"))
            except OSError:
                continue
    return "\n".join(texts)


def test_no_secret_stands_in_a_process_list_while_a_deploy_runs(deployed: Server) -> None:
    secrets = known_secrets(deployed)
    assert deployed.ops("down").returncode == 0
    found: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            found.update(hunt("a process list", process_list(), secrets))
            time.sleep(0.2)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        said = deployed.up()
    finally:
        done.set()
        watcher.join()
    assert found == set()
    # The panel's address and the first user's link are shown to the operator, and their secret paths with them.
    assert hunt("the words of up", said, secrets) == [
        "panel.path stands in the words of up", "panel.subscription_path stands in the words of up"]
