"""`ops probe` on the deployed server: it finds what is known, and what a test puts there."""

import json
import signal
import subprocess
import time

import pytest

from ops.probe.known import TABLE, read
from tests.e2e.deployment import STACK, Server, names

pytestmark = pytest.mark.integration

_CHANGED = """
from ops.probe import command

result = command.run({stack!r}, "", 1, print, only="HTTP/1.1/www/*", change=lambda text: text.replace(
    "\\tfile_server", "\\theader X-Other 1\\n\\tfile_server"))
print([(item.probe.name, item.fields) for item in result.differences])
"""


def test_nothing_differs_but_what_the_document_tells(deployed: Server) -> None:
    done = deployed.run("python", "-m", "ops", "probe", "--seed", "1", "--json")
    assert "{" in done.stdout, done.stdout
    document = json.loads(done.stdout[done.stdout.index("{"):])
    assert document["tcpProbes"] >= 1000
    unknown = [item for item in document["differences"] if item["known"] is None]
    assert unknown == [], document["line"]
    on_tcp = [item for item in document["differences"] if not item["probe"].startswith("udp/")]
    assert done.returncode == (1 if on_tcp else 0)
    assert names("container", "name=stealth-probe") == names("network", "name=stealth-probe") == set()


def test_another_header_of_the_plain_caddy_is_found(deployed: Server) -> None:
    done = deployed.run("python", "-c", _CHANGED.format(stack=STACK))
    assert "('HTTP/1.1/www/page', ('answer'," in done.stdout, done.stdout
    assert "('HTTP/1.1/www/bad line'" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_an_interrupted_probe_leaves_nothing(deployed: Server, number: int) -> None:
    process = deployed.start("python", "-m", "ops", "probe")
    end = time.monotonic() + 60
    while not names("container", "name=stealth-probe") and time.monotonic() < end:
        time.sleep(0.1)
    subprocess.run(["kill", f"-{int(number)}", str(process.pid)], check=True)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert names("container", "name=stealth-probe") == names("network", "name=stealth-probe") == set()


def test_every_row_of_the_document_has_its_reason() -> None:
    assert all(len(row.reason) > 20 for row in read(TABLE.read_text()))
