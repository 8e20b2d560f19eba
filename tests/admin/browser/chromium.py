"""Debian's Chromium in a container, spoken to by the DevTools protocol."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.admin.through_caddy import HOST

IMAGE = "stealth-vpn-tests/browser:local"
# Building the image fetches some 300 MB of packages.
_BUILD_SECONDS = 600
_START_SECONDS = 60


@contextmanager
def start(port: int) -> Iterator[str]:
    """Start a browser in which the panel's name leads to that port of this machine; yield where it is spoken to."""
    subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, str(Path(__file__).parent)],
                   check=True, capture_output=True, timeout=_BUILD_SECONDS)
    container = subprocess.run(
        # The panel listens on the machine's own loopback interface, and so does the browser.
        ["docker", "run", "--detach", "--network", "host", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
         IMAGE, f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}"],
        check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield _address(container)
    finally:
        subprocess.run(["docker", "rm", "--force", container], check=True, capture_output=True)


def _address(container: str) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        said = subprocess.run(["docker", "logs", container], check=True, capture_output=True, text=True).stderr
        if found := re.search(r"DevTools listening on (ws://\S+)", said):
            return found[1]
        assert time.monotonic() < deadline, f"the browser does not start:\n{said}"
        time.sleep(0.1)
