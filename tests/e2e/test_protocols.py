"""All eight protocols under what happens to them in life: each other, silence, a cut hello, a daemon's death."""

import hashlib
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.client import IMAGE, Client, all_clients, client
from tests.e2e.deployment import NAMES, SITE, Server, await_healthy, inspect
from tests.e2e.outside import ANSWER, CLIENTS, PAGE, SERVER_ADDRESS, Outside, is_server
from tests.e2e.programs import PROTOCOLS, program

pytestmark = pytest.mark.integration

SILENT_SECONDS = 65
# The first record's header, inside the random, inside the session id, inside extensions, just before the end.
CUTS = (1, 5, 6, 60, 100, 250, 400, 500, 1200, 1500)


def fetch_each(clients: dict[str, Client], url: str, *words: str) -> dict[str, bytes]:
    with ThreadPoolExecutor(max_workers=len(clients)) as pool:
        done = {name: pool.submit(made.fetch_when_ready, url, *words) for name, made in clients.items()}
        return {name: future.result().stdout for name, future in done.items()}


def test_all_eight_at_the_same_time_fetch_look_up_names_and_outlast_a_long_silence(
    deployed: Server, beyond: Outside,
) -> None:
    beyond.seen.clear()
    with all_clients(deployed) as clients:
        assert set(clients) == set(PROTOCOLS)
        for _ in range(3):
            assert {name for name, page in fetch_each(clients, beyond.url).items() if page != PAGE} == set()
        answers = {name: made.look_up(beyond.resolver) for name, made in clients.items()}
        assert {name: done.stdout.strip() or done.stderr for name, done in answers.items()} == dict.fromkeys(
            PROTOCOLS, ANSWER)
        silent = fetch_each(clients, f"{beyond.url}silent/{SILENT_SECONDS}", "--max-time", "90")
        assert {name for name, page in silent.items() if page != PAGE} == set()
    assert all(map(is_server, beyond.seen))


@pytest.mark.parametrize("kind", ["post-quantum", "classic"])
def test_a_client_hello_in_two_segments_is_routed_by_its_name(
    deployed: Server, beyond: Outside, tmp_path: Path, kind: str,
) -> None:
    (tmp_path / "ca.crt").write_text(deployed.outputs()["authorityCertificate"])
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", CLIENTS, "--volume", f"{tmp_path}:/client:ro",
         "--entrypoint", "/usr/local/bin/visitor", IMAGE, "hello", "-ca", "/client/ca.crt",
         "-address", f"{SERVER_ADDRESS}:443", "-names", ",".join(f"{name}.stealth.test" for name in NAMES),
         "-cuts", ",".join(map(str, CUTS)), *(["-classic"] if kind == "classic" else [])],
        capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 3) for line in done.stdout.splitlines()]
    assert len(lines) == len(NAMES) * len(CUTS)
    wanted = f"200 {hashlib.sha256(SITE).hexdigest()}"
    assert [line for line in lines if line[3] != wanted] == []
    # A post-quantum key share alone has 1184 bytes (FIPS 203, ML-KEM-768).
    assert all((int(line[2]) > 1184) == (kind == "post-quantum") for line in lines)


VICTIMS = {"xray": ("vlessReality", "vlessWebsocket"), "trojan": ("trojan",),
           "singbox": ("shadowtls", "hysteria2", "tuic"), "wireguard": ("wireguard", "wireguardWebsocket"),
           "caddy": PROTOCOLS}


@pytest.mark.parametrize("victim", sorted(VICTIMS))
def test_a_daemon_that_is_killed_comes_back_alone_and_its_protocols_with_it(
    deployed: Server, beyond: Outside, victim: str,
) -> None:
    others = [name for name in ("admin", *VICTIMS) if name != victim]
    before = {name: inspect(name)["State"]["StartedAt"] for name in others}
    outputs, links = deployed.outputs(), deployed.links()
    # Not `docker kill`: the engine takes that for a stop by hand and restarts nothing.
    os.kill(inspect(victim)["State"]["Pid"], signal.SIGKILL)
    for protocol in VICTIMS[victim]:
        with client(protocol.lower(), program(protocol, links[protocol]), outputs["authorityCertificate"]) as made:
            # Until Trojan-Go is back, Caddy's site answers its clients with an error (decision 0014).
            assert made.fetch_when_ready(beyond.url, "--fail").stdout == PAGE, f"{protocol}: {made.logs()}"
    assert {name: inspect(name)["State"]["StartedAt"] for name in others} == before
    await_healthy(victim)
    assert "No changes" in deployed.up()
