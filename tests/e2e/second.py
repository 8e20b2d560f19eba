"""Another machine with a Docker Engine of its own: processes, network, /run and the engine's data are its own.

Its engine has no container, volume or network. Images, and what the engine remembers of their builds, are those of this
machine's engine: to build them again would take ten minutes, and say nothing of a restore.
"""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.docker import Engine
from tests.e2e.deployment import LABEL, STACK, docker

_START_SECONDS = 60
_SCRIPT = """
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount --bind "$1" "$2"
ip link set lo up
exec dockerd --host unix:///var/run/docker.sock --host "unix://$3"
"""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The other machine, while it runs."""

    pid: int
    """Of its engine, which is its first process."""

    socket: Path
    """At which its engine answers this machine too."""

    def through(self, folder: Path) -> tuple[str, ...]:
        """What a command in a folder of this machine runs there with; files are the same on both."""
        return ("nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--", "env", "--chdir", str(folder))

    @property
    def engine(self) -> Engine:
        """Its engine, to be asked from here."""
        return Engine(f"unix://{self.socket}")

    def clean(self) -> None:
        """Leave nothing there but images."""
        for kind, listed, remove in (("container", ("ps", "--all"), ("rm", "--force", "--volumes")),
                                     ("network", ("network", "ls"), ("network", "rm")),
                                     ("volume", ("volume", "ls"), ("volume", "rm"))):
            found = self.engine.ask(*listed, "--quiet", "--filter", f"label={LABEL}={STACK}").stdout.split()
            if found:
                done = self.engine.ask(*remove, *found)
                assert done.returncode == 0, f"{kind}: {done.stderr}"


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Run the other machine for as long as the block lasts."""
    own = Path(docker("info", "--format", "{{.DockerRootDir}}"))
    # On the same file system, for the layers of images are linked and not copied; the engine knows no such folder.
    data, socket = own / "e2e-second", folder / "docker.sock"
    copy_images(own, data)
    words = ["unshare", "--mount", "--net", "--pid", "--fork", "--propagation", "private",
             "sh", "-euc", _SCRIPT, "sh", str(data), str(own), str(socket)]
    try:
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield _when_ready(process, socket, folder / "log")
        finally:
            for pid in children(process):
                # The first process of its processes: they all end with it.
                subprocess.run(["kill", "-KILL", pid], check=False)
            process.wait(timeout=_START_SECONDS)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def copy_images(own: Path, data: Path) -> None:
    """Give another engine's folder the images of this one's, and what it remembers of their builds."""
    end = time.monotonic() + _START_SECONDS
    # The engine writes for seconds after a build, and tidies up a minute after it. An engine that is given files of
    # two moments panics, or misses layers.
    while not _copy_of_one_moment(own, data):
        assert time.monotonic() < end, f"the engine of {own} has not stopped writing down what was built"
        time.sleep(1)


def _copy_of_one_moment(own: Path, data: Path) -> bool:
    before = _what_engine_wrote(own)
    try:
        _copy(own, data)
    except subprocess.CalledProcessError:
        # What it listed may be gone before it is linked; anything else is told.
        if _what_engine_wrote(own) == before:
            raise
    return _what_engine_wrote(own) == before


def _what_engine_wrote(own: Path) -> dict[Path, str]:
    files = (*sorted((own / "buildkit").glob("*.db")), own / "image" / "overlay2" / "repositories.json")
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _copy(own: Path, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    (data / "overlay2").mkdir(mode=0o710)
    subprocess.run(["cp", "--archive", "--link", "--one-file-system", f"--target-directory={data / 'overlay2'}",
                    *_kept_layers(own)], check=True)
    # The engine writes these in place. What was built counts for the engine of that id only (moby's
    # builder-next/controller.go).
    copied = [own / name for name in ("image", "buildkit", "engine-id")]
    subprocess.run(["cp", "--archive", "--one-file-system", *copied, data], check=True)


def _kept_layers(own: Path) -> list[Path]:
    # Those of containers come and go meanwhile, and the other engine has no containers.
    mounts = own / "image" / "overlay2" / "layerdb" / "mounts"
    passing = {file.read_text() for kind in ("mount-id", "init-id") for file in mounts.glob(f"*/{kind}")}
    return [layer for layer in (own / "overlay2").iterdir() if layer.name.removesuffix("-init") not in passing]


def _when_ready(process: subprocess.Popen[bytes], socket: Path, log: Path) -> Machine:
    end = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        if socket.exists() and Engine(f"unix://{socket}").ask("version").returncode == 0:
            (pid,) = children(process)
            return Machine(pid=int(pid), socket=socket)
        time.sleep(0.1)


def children(process: subprocess.Popen[bytes]) -> list[str]:
    """Return the ids of the processes that this one has started."""
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
