"""Certificates from elsewhere: obtained from an authority by ACME, renewed while traffic flows, or brought along."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.certificates import PrivateAuthority
from tests.certificates import serial as serial_of
from tests.e2e import pebble
from tests.e2e.client import IMAGE, client
from tests.e2e.deployment import NAMES, SERVICES, Server, await_healthy, docker, healthy, ids, inspect, names
from tests.e2e.outside import CLIENTS, PAGE, SERVER_ADDRESS, Outside
from tests.e2e.programs import program

pytestmark = pytest.mark.integration

DOMAIN = "stealth.test"
BY_QUIC = ("q", "t")
VOLUME = "stealth-certificates"
# Caddy's container looks every 2 seconds for what it has to hand over, and takes one for it.
HANDED_OVER_SECONDS = 5
# Enough for a refusal, and soon over.
PROBED_FAST = {"healthStartPeriod": "5s", "healthInterval": "1s", "healthTimeout": "1s", "healthRetries": 3}
# Caddy looks every ten minutes for what must be renewed; a test cannot wait for that.
OFTEN = "\trenew_interval 2s\n"


@pytest.fixture(scope="module")
def authority(server: Server, beyond: Outside) -> Iterator[str]:
    """An authority that issues for 40 seconds, and a Caddy that looks for renewals often; yields the roots."""
    template = server.folder / "templates" / "caddy" / "Caddyfile.j2"
    text = template.read_text()
    template.write_text(text.replace("\tgrace_period 2s\n", f"\tgrace_period 2s\n{OFTEN}"))
    assert OFTEN in template.read_text()
    with pebble.pebble() as roots:
        (server.folder / "roots.pem").write_text(roots)
        yield roots
    template.write_text(text)
    server.configure()


def configure(server: Server, **changes: object) -> None:
    server.configure(tls="acme", acmeDirectory=pebble.DIRECTORY, tlsRootFile="roots.pem", **changes)


@pytest.fixture(scope="module")
def obtained(server: Server, authority: str) -> str:
    """Deploy with certificates of the authority."""
    configure(server)
    server.up()
    return authority


class Passerby:
    """Looks at the public port from outside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = "e2e-passerby"
        docker("rm", "--force", self._name, check=False)
        docker("run", "--detach", "--init", "--name", self._name, "--network", CLIENTS,
               "--volume", f"{folder}:/seen", IMAGE)

    def serial(self, label: str, roots: str, *, quic: bool = False) -> int:
        """Return the serial number of what is shown for a name, after it was verified by the roots."""
        (self._folder / "roots.pem").write_text(roots)
        name = f"{label}.{DOMAIN}"
        # Into a file: what a container's short-lived process prints is at times cut off on a busy machine.
        docker("exec", self._name, "/bin/sh", "-c",
               f"timeout 10 openssl s_client -connect {SERVER_ADDRESS}:443 -servername {name} -verify_hostname {name} "
               f"-CAfile /seen/roots.pem -verify_return_error {'-quic -alpn h3' if quic else ''} "
               "</dev/null >/seen/shown 2>&1", check=False)
        said = (self._folder / "shown").read_text()
        shown = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", said, re.S)
        assert "Verify return code: 0 (ok)" in said, said
        assert shown, said
        return serial_of(shown[0])

    def leave(self) -> None:
        """Take its container away."""
        docker("rm", "--force", self._name)


@pytest.fixture(scope="module")
def passerby(beyond: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passerby]:
    made = Passerby(tmp_path_factory.mktemp("passerby"))
    yield made
    made.leave()


def await_change(look: Callable[[], int], before: int, seconds: int) -> int:
    """Return what is seen once it is no longer what it was."""
    end = time.monotonic() + seconds
    while (found := look()) == before:
        assert time.monotonic() < end, f"the same after {seconds} s"
        time.sleep(0.5)
    return found


def test_an_authority_that_refuses_is_one_sentence_with_its_reason_and_its_fix(
    server: Server, authority: str,
) -> None:
    pebble.lead_names_to("127.0.0.1")
    try:
        configure(server, **PROBED_FAST)
        done = server.ops("up")
    finally:
        pebble.lead_names_to(SERVER_ADDRESS)
    assert done.returncode == 1, done.stdout
    assert re.search(rf"^Error: Caddy has no certificate for \w+\.{DOMAIN}: .*acme:error:connection"
                     r".*onnection refused.*port 80 be reached from the internet", done.stdout, re.M), done.stdout
    assert "Traceback" not in done.stdout


def test_a_deploy_without_any_certificate_ends_with_the_authority_s_for_every_name(
    server: Server, obtained: str, passerby: Passerby,
) -> None:
    assert healthy() == set(SERVICES)
    docker("exec", "stealth-caddy", "/usr/local/bin/probe", "http", "http://172.20.0.11:8009/measured")
    shown = {name: passerby.serial(name, obtained) for name in NAMES}
    assert len(set(shown.values())) == len(NAMES), "each has one of its own"
    for name in BY_QUIC:
        passerby.serial(name, obtained, quic=True)
    before = ids()
    assert "No changes" in server.up()
    assert ids() == before


@pytest.mark.parametrize("protocol", ["vlessReality", "trojan", "shadowtls", "hysteria2", "tuic"])
def test_a_client_that_trusts_the_authority_only_gets_through(
    server: Server, beyond: Outside, obtained: str, protocol: str,
) -> None:
    outputs = server.outputs()
    assert outputs["authorityCertificate"] == obtained
    link = server.links()[protocol]
    with client(protocol.lower(), program(protocol, link), outputs["authorityCertificate"]) as made:
        assert made.fetch_when_ready(beyond.url).stdout == PAGE, made.logs()


def test_a_renewed_certificate_is_served_by_the_same_process_while_a_download_goes_on(
    server: Server, beyond: Outside, obtained: str, passerby: Passerby,
) -> None:
    link = server.links()["hysteria2"]
    process = {key: inspect("singbox")["State"][key] for key in ("Pid", "StartedAt")}
    seconds = pebble.LIFETIME_SECONDS + 5
    with client("download", program("hysteria2", link), obtained) as made, ThreadPoolExecutor() as pool:
        assert made.fetch_when_ready(beyond.url).stdout == PAGE
        before = {name: passerby.serial(name, obtained, quic=True) for name in BY_QUIC}
        download = pool.submit(made.fetch, f"{beyond.url}slow/{seconds}", "--max-time", str(2 * seconds))
        for name in BY_QUIC:
            await_change(lambda name=name: passerby.serial(name, obtained, quic=True),  # type: ignore[misc]
                         before[name], seconds)
        assert not download.done(), "it was over before the renewal, and shows nothing"
        with client("newcomer", program("hysteria2", link), obtained) as newcomer:
            assert newcomer.fetch_when_ready(beyond.url).stdout == PAGE, newcomer.logs()
        assert download.result().stdout == PAGE, download.result().stderr
    assert {key: inspect("singbox")["State"][key] for key in process} == process


def test_sing_box_starts_anew_with_the_certificate_that_was_handed_over(
    server: Server, obtained: str, passerby: Passerby,
) -> None:
    os.kill(inspect("singbox")["State"]["Pid"], signal.SIGKILL)
    await_healthy("singbox", patience_seconds=30)
    for name in BY_QUIC:
        passerby.serial(name, obtained, quic=True)


def test_while_the_authority_is_away_the_old_certificate_is_served_and_later_a_new_one(
    server: Server, obtained: str, passerby: Passerby,
) -> None:
    docker("pause", pebble.NAME)
    try:
        time.sleep(HANDED_OVER_SECONDS)
        before = passerby.serial("q", obtained, quic=True)
        end = time.monotonic() + pebble.LIFETIME_SECONDS
        while not is_renewing("q"):
            assert time.monotonic() < end, "no renewal was tried"
            time.sleep(0.5)
        assert passerby.serial("q", obtained, quic=True) == before
        assert "caddy" in healthy()
    finally:
        docker("unpause", pebble.NAME)
    await_change(lambda: passerby.serial("q", obtained, quic=True), before, 2 * pebble.LIFETIME_SECONDS)


def is_renewing(label: str) -> bool:
    """Tell whether Caddy has begun a renewal that it has not ended."""
    log = subprocess.run(["docker", "logs", "stealth-caddy"], capture_output=True, text=True, check=False).stderr
    begun, ended = (log.count(f'"msg":"{text}","identifier":"{label}.{DOMAIN}"')
                    for text in ("renewing certificate", "certificate renewed successfully"))
    return begun > ended


def bring(server: Server, own: PrivateAuthority, days: float) -> str:
    """Put a pair of the operator's own in place, and return its key."""
    pair = own.pair([f"*.{DOMAIN}"], days=days)
    texts = {"own.pem": pair.chain_pem, "own.key": pair.private_key_pem, "own-root.pem": own.root_pem}
    for file, text in texts.items():
        (server.folder / file).write_text(text)
    return pair.private_key_pem


def shown_everywhere(own: PrivateAuthority, passerby: Passerby) -> set[int]:
    by_tcp = {passerby.serial(name, own.root_pem) for name in NAMES}
    return by_tcp | {passerby.serial(name, own.root_pem, quic=True) for name in BY_QUIC}


def test_a_pair_of_the_operator_s_own_is_served_and_replaced_and_a_bad_one_changes_nothing(
    server: Server, beyond: Outside, passerby: Passerby,
) -> None:
    own = PrivateAuthority()
    key = bring(server, own, days=90)
    server.configure(tls="files", tlsCertificateFile="own.pem", tlsKeyFile="own.key", tlsRootFile="own-root.pem")
    assert "Warning" not in server.up()
    assert healthy() == set(SERVICES)
    assert VOLUME not in names("volume")
    assert shown_everywhere(own, passerby) == {serial_of((server.folder / "own.pem").read_text())}
    with client("own", program("vlessReality", server.links()["vlessReality"]), own.root_pem) as made:
        assert made.fetch_when_ready(beyond.url).stdout == PAGE, made.logs()
    assert key.splitlines()[1] not in server.pulumi("stack", "export").stdout
    before = ids()
    assert "No changes" in server.up()

    (server.folder / "own.key").write_text(PrivateAuthority().pair(["other"]).private_key_pem)
    refused = server.ops("up")
    assert refused.returncode == 1
    assert "tlsKeyFile is own.key, but it is not the key of the first certificate in own.pem" in refused.stdout
    assert ids() == before

    bring(server, own, days=10)
    assert "Warning: the certificate of tlsCertificateFile ends on" in server.up()
    assert {name for name in SERVICES if ids()[name] != before[name]} == {"caddy", "singbox"}
    assert shown_everywhere(own, passerby) == {serial_of((server.folder / "own.pem").read_text())}
