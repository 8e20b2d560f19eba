"""The agent of images/builder/agent in a process of its own, around an engine that only remembers."""

import json
import socket
import subprocess
import time
from pathlib import Path

from tests.admin.engines.fake_agent import TOKEN

MODULE = Path("images/builder/agent")


def build(folder: Path) -> Path:
    """Return the program."""
    program = folder / "engineless"
    subprocess.run(["go", "build", "-o", program, "./testdata/engineless"], cwd=MODULE, check=True)
    return program


class RealAgent:
    """Starts with the users that its file has; die() is SIGKILL."""

    def __init__(self, program: Path, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.users = folder / "users.json"
        self._command = [program, folder / "agent.json"]
        (folder / "agent.json").write_text(json.dumps(
            {"listen": f"127.0.0.1:{self.port}", "token": TOKEN, "users": str(self.users)}))
        self.rise()

    def rise(self) -> None:
        self._process = subprocess.Popen(self._command)
        end = time.monotonic() + 10
        while time.monotonic() < end and self._process.poll() is None:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise AssertionError("the agent does not listen")

    def die(self) -> None:
        self._process.kill()
        self._process.wait()
