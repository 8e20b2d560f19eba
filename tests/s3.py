"""A real S3 server for tests: rclone's, over a folder."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCES = Path(__file__).parent / "ops" / "backup" / "servers"
ACCESS, SECRET = "tests-access-key", "tests-secret-key"
_START_SECONDS = 30


def build(folder: Path) -> Path:
    """Build rclone with nothing but its servers, and return the program."""
    program = folder / "rclone"
    subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCES, check=True, capture_output=True,
                   env=os.environ | {"GOTOOLCHAIN": "go1.26.8+auto"}, timeout=900)
    return program


@contextmanager
def serving(*words: object) -> Iterator[int]:
    """Run a server on a free port, which takes the place of PORT."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([str(word).replace("PORT", str(port)) for word in words],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _START_SECONDS
        while not _answers(port):
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def bucket(rclone: Path, folder: Path) -> Iterator[tuple[int, Path]]:
    """Serve a folder's bucket `bucket`; gives the port, and the file with what opens it."""
    (folder / "s3" / "bucket").mkdir(parents=True)
    file = credentials(folder / "credentials")
    with serving(rclone, "serve", "s3", "--addr", "127.0.0.1:PORT", "--auth-key", f"{ACCESS},{SECRET}",
                 folder / "s3") as port:
        yield port, file


def credentials(file: Path, access: str = ACCESS, secret: str = SECRET) -> Path:
    """Write what opens a bucket in the form of ~/.aws/credentials."""
    file.write_text(f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n")
    file.chmod(0o600)
    return file


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
