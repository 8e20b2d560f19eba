"""A Docker Engine for tests, in which a program of the tests stands in for docker."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.docker import Engine


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar of files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Engine:
    """Let `docker` be a Python script, which finds its words in `words`."""
    program = folder / "bin" / "docker"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!{sys.executable} -IS\nimport sys\nwords = sys.argv[3:]\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return Engine("unix:///nowhere.sock")


def done(code: int, out: bytes = b"", err: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Return what a finished command gives."""
    return subprocess.CompletedProcess((), code, out, err)
