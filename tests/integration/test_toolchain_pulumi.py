"""Pulumi by either road, with a vendor on the loopback that is right, wrong or silent, and with a fake Go."""

import hashlib
import io
import os
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import dedent

import pytest

from tests.integration.checkout import PULUMI, Checkout, refused

pytestmark = pytest.mark.integration
# --- Pulumi: the official road ---

def archive() -> bytes:
    """The vendor's file, with a fake Pulumi and a language host of another language."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as packed:
        for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-language-go"):
            content = dedent(PULUMI).lstrip().encode()
            entry = tarfile.TarInfo(f"pulumi/{name}")
            entry.size, entry.mode = len(content), 0o755
            packed.addfile(entry, io.BytesIO(content))
    return memory.getvalue()


@contextmanager
def vendor(checkout: Checkout, *, corrupted: bool = False, silent: bool = False) -> Iterator[None]:
    """Serve the vendor's files on the loopback, from right to wrong."""
    name = f"pulumi-v3.259.0-linux-{'arm64' if os.uname().machine == 'aarch64' else 'x64'}.tar.gz"
    content = archive()
    sums = f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()
    released = threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if silent:
                released.wait(60)
                return
            body = sums if self.path == "/sums" else content[:-1] + b"!" if corrupted else content
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        checkout.environment |= {"PULUMI_RELEASES_URL": address, "PULUMI_SUMS_URL": f"{address}/sums"}
        yield
        released.set()
        server.shutdown()




def plugin(checkout: Checkout, name: str) -> str:
    (file,) = (checkout.folder / ".toolchain" / "pulumi-home" / "plugins").glob(f"*/pulumi-resource-{name}")
    return file.read_text()


def test_the_official_road_takes_the_vendors_programs_and_then_leaves_them_alone(builder: Checkout) -> None:
    with vendor(builder):
        done = builder.run("pulumi.sh")
        assert done.returncode == 0, done.stdout
        assert "\nRoad: official\n" in done.stdout
        assert {file.name for file in (builder.folder / ".toolchain" / "official").iterdir()} == {
            "pulumi", "pulumi-language-python", "pulumi-language-python-exec"}
        assert "--file" not in plugin(builder, "docker") + plugin(builder, "random")
        before = builder.made()
        assert builder.run("pulumi.sh").stdout == "Road: official\nPulumi 3.259.0 with its plugins\n"
        assert builder.made() == before


def test_a_pulumi_of_just_this_version_on_the_path_is_taken_over(builder: Checkout) -> None:
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        builder.fake(name, PULUMI)
    done = builder.run("pulumi.sh")
    assert "\nRoad: official\n" in done.stdout


def test_another_version_on_the_path_is_not_taken(builder: Checkout) -> None:
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        builder.fake(name, PULUMI.replace("3.259.0", "3.260.0"))
    assert "because the vendor's download server cannot be reached\n" in builder.run("pulumi.sh").stdout


def test_a_corrupted_download_is_never_used_and_the_other_road_is_taken(builder: Checkout) -> None:
    with vendor(builder, corrupted=True):
        done = builder.run("pulumi.sh")
    assert done.returncode == 0, done.stdout
    assert "\nRoad: mirror-only, because the vendor's file does not match its published checksum\n" in done.stdout
    assert not list(builder.folder.glob(".toolchain/official/*"))
    assert not list(builder.folder.glob(".toolchain/*tar.gz*"))
    assert "--file" in plugin(builder, "docker")


def test_a_corrupted_download_ends_the_setup_where_the_official_road_was_asked_for(builder: Checkout) -> None:
    with vendor(builder, corrupted=True):
        done = builder.run("pulumi.sh", ROAD="official")
    assert refused(done) == ("The official road is closed: the vendor's file does not match its published checksum. "
                             "Open it, or take the other with `make setup ROAD=mirror`.")


def test_a_vendor_that_never_answers_costs_seconds_and_only_once(builder: Checkout) -> None:
    with vendor(builder, silent=True):
        began = time.monotonic()
        first = builder.run("pulumi.sh")
        assert time.monotonic() - began < 15
        assert "\nRoad: mirror-only, because the vendor's download server cannot be reached\n" in first.stdout
        began = time.monotonic()
        assert builder.run("pulumi.sh").returncode == 0
        assert time.monotonic() - began < 2


def test_a_road_of_another_name_is_refused(builder: Checkout) -> None:
    assert refused(builder.run("pulumi.sh", ROAD="scenic")) == "ROAD is scenic, but it must be official or mirror."


def test_the_setup_leaves_pulumi_no_place_for_a_journal_of_its_own(builder: Checkout) -> None:
    journal = builder.folder / ".toolchain" / "pulumi-home" / "logs"
    journal.mkdir(parents=True)
    (journal / "pulumi-20261130T190700-7-up.log").write_text("each property of each resource")
    for _ in range(2):
        assert builder.run("pulumi.sh", ROAD="mirror").returncode == 0
        assert journal.read_bytes() == b""


# --- Pulumi: the mirror-only road ---

def test_the_roads_can_be_changed_and_each_brings_its_own_plugins(builder: Checkout) -> None:
    with vendor(builder):
        for road, built in (("mirror", True), ("official", False), ("mirror", True)):
            done = builder.run("pulumi.sh", ROAD=road)
            assert done.returncode == 0, done.stdout
            assert ("--file" in plugin(builder, "docker")) == built
            shown = builder.run("run.sh", "sh", "-c", "command -v pulumi").stdout
            assert shown.endswith("/bin/pulumi\n" if built else "/official/pulumi\n")


def test_a_changed_provider_is_built_and_installed_anew_and_nothing_else_is(builder: Checkout) -> None:
    assert builder.run("pulumi.sh", ROAD="mirror").returncode == 0
    before = builder.made()
    (builder.folder / "toolchain" / "providers" / "main.go").write_text("// changed\n")
    assert builder.run("pulumi.sh").returncode == 0
    after = builder.made()
    assert (builder.folder / ".toolchain" / "plugins" / "docker" / "pulumi-resource-docker").read_text() \
        == "// changed\n"
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        *(f".toolchain/plugins/{name}/pulumi-resource-{name}" for name in ("command", "docker", "random")),
        ".toolchain/stamps/build-providers", ".toolchain/stamps/plugins",
        ".toolchain/pulumi-home/plugins/resource-command-v1.2.1/pulumi-resource-command",
        ".toolchain/pulumi-home/plugins/resource-docker-v5.2.0/pulumi-resource-docker",
        ".toolchain/pulumi-home/plugins/resource-random-v4.21.4/pulumi-resource-random"}


def test_a_build_that_was_killed_leaves_no_half_program_and_the_next_run_ends_it(builder: Checkout) -> None:
    whole = (builder.fakes / "go").read_text()
    # The fake compiler has written half of the file and goes on for long.
    builder.fake("go", whole.replace("output=$2", 'output=$2; echo half >"$output"; sleep 60'))
    with builder.start("pulumi.sh", ROAD="mirror") as process:
        builder.wait_for(".toolchain/bin/pulumi*")
        os.killpg(process.pid, signal.SIGKILL)
    assert not (builder.folder / ".toolchain" / "bin" / "pulumi").exists()
    builder.fake("go", whole)
    assert builder.run("pulumi.sh").returncode == 0
    assert "half" not in (builder.folder / ".toolchain" / "bin" / "pulumi").read_text()


def test_a_broken_build_ends_with_its_last_lines_and_one_sentence(builder: Checkout) -> None:
    builder.fake("go", (builder.fakes / "go").read_text().replace("build)", "build) echo no network; exit 1", 1))
    done = builder.run("pulumi.sh", ROAD="mirror")
    assert refused(done).startswith("Pulumi 3.259.0 could not be built. Mend what the lines above say")
    assert "\nno network\n" in done.stdout


def test_a_full_disk_is_told_before_the_build(builder: Checkout) -> None:
    builder.fake("df", "#!/bin/sh\necho Filesystem\necho /dev/vda 20000000 19000000 1048576 95% /\n")
    assert refused(builder.run("pulumi.sh", ROAD="mirror")).startswith(
        "Only 1 GB are free on the disk, but building Pulumi takes 5.")
