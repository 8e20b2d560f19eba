"""Runs the tests that need an engine on several machines at once: this one, and others made of namespaces.

    python -m tests.e2e.machines PYTEST-ARGUMENT...

Most of such a test is waiting, for health checks above all, and an engine has room for one server only. Another machine
has processes, network, /run, /etc, /usr/local and an engine of its own; files elsewhere are this machine's. Its engine
begins with this one's images. Where that cannot be had (no root, no namespaces), all tests run here one after another.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.e2e.client import build_image
from tests.e2e.deployment import ROOT, Server, docker
from tests.e2e.outside import begin
from tests.e2e.second import children, copy_images

MACHINES = 2
"""Tests one after another leave half of two cores idle; with two machines a tenth is left."""

_START_SECONDS = 60
_MEMORY_BYTES = 3 << 30
_NETWORK = "10.231.{}.{}"
# The first process takes in orphans, as an init would, and begins the engine when the network is there.
_SCRIPT = """
machine=$1 engine=$2 begin=$3
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/machine/cgroup
# This network's own interfaces are seen in a fresh sysfs only.
mount --rbind /sys/fs/cgroup /run/machine/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/machine/cgroup /sys/fs/cgroup
# A container has these mounted one by one, which an overlay does not see.
cp /etc/resolv.conf /etc/hosts /etc/hostname /run/machine
for folder in etc usr/local; do
  mkdir -p /run/machine/$folder/over /run/machine/$folder/work
  mount -t overlay -o lowerdir=/$folder,upperdir=/run/machine/$folder/over,workdir=/run/machine/$folder/work \
    machine /$folder
done
cp /run/machine/resolv.conf /run/machine/hosts /run/machine/hostname /etc
mount --bind "$machine/data" "$engine"
ip link set lo up
touch "$machine/network"
until [ -e "$machine/connected" ]; do sleep 0.1; done
"$begin" && touch "$machine/ready"
while :; do sleep 1; done
"""


def connect(number: int, pid: int) -> None:
    """Give the machine whose first process this is a way out through this one."""
    near, far, name = _NETWORK.format(number, 1), _NETWORK.format(number, 2), f"e2e-machine{number}"
    inside = ("nsenter", "--target", str(pid), "--net", "ip")
    for words in (("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(pid)),
                  ("ip", "address", "add", f"{near}/30", "dev", name), ("ip", "link", "set", name, "up"),
                  (*inside, "address", "add", f"{far}/30", "dev", "eth0"), (*inside, "link", "set", "eth0", "up"),
                  (*inside, "route", "add", "default", "via", near),
                  *(("iptables", *where) for where in _rules(number, "--insert"))):
        subprocess.run(words, check=True)


def _rules(number: int, change: str) -> tuple[tuple[str, ...], ...]:
    name = f"e2e-machine{number}"
    return (("--table", "nat", change, "POSTROUTING", "--source", _NETWORK.format(number, 2), "!", "--out-interface",
             name, "--jump", "MASQUERADE"),
            (change, "FORWARD", "--in-interface", name, "--jump", "ACCEPT"),
            (change, "FORWARD", "--out-interface", name, "--jump", "ACCEPT"))


@contextmanager
def another(number: int, folder: Path) -> Iterator[int]:
    """Run a machine with that number for as long as the block lasts, and give the process id of its first process."""
    own = Path(docker("info", "--format", "{{.DockerRootDir}}"))
    # On the same file system, for the layers of images are linked and not copied; the engine knows no such folder.
    data = own / f"e2e-machine{number}"
    copy_images(own, data)
    (folder / "data").symlink_to(data)
    words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private",
             "sh", "-euc", _SCRIPT, "sh", str(folder), str(own), str(ROOT / "toolchain" / "engine.sh")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        _await(folder / "network", process)
        (pid,) = children(process)
        connect(number, int(pid))
        (folder / "connected").touch()
        _await(folder / "ready", process)
        yield int(pid)
    finally:
        process.kill()
        process.wait()
        for rule in _rules(number, "--delete"):
            subprocess.run(("iptables", *rule), check=False)
        subprocess.run(["rm", "-rf", "--one-file-system", str(data)], check=False)


def _await(file: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while not file.exists():
        has_failed = process.poll() is not None or time.monotonic() > end
        assert not has_failed, (file.parent / "log").read_text()
        time.sleep(0.1)


def build_images(folder: Path) -> None:
    """Build all images of a server and of its clients on this machine's engine, beside whatever runs there."""
    done = Server(folder).ops("build")
    assert done.returncode == 0, done.stdout
    build_image()


def why_alone() -> str:
    """Say why no other machine can be had here; empty if one can."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if re.search(r"^nameserver +(127\.|::1)", Path("/etc/resolv.conf").read_text(), re.M):
        return "the resolver of /etc/resolv.conf answers this machine only"
    if psutil.virtual_memory().available < MACHINES * _MEMORY_BYTES:
        return f"{MACHINES} machines need {MACHINES * _MEMORY_BYTES >> 30} GiB of memory"
    tried = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"],
                           capture_output=True, text=True, check=False)
    return tried.stderr.strip()


def main(words: list[str]) -> int:
    """Run pytest with these arguments on all machines; its exit code."""
    if reason := why_alone():
        print(f"All tests run on this machine, one after another: {reason}.", flush=True)
        return subprocess.run([sys.executable, "-m", "pytest", *words], check=False).returncode
    with tempfile.TemporaryDirectory(prefix="machines") as made, ExitStack() as stack:
        folder = Path(made)
        (folder / "server").mkdir()
        print("Building all images on this machine ...", flush=True)
        begin()
        build_images(folder / "server")
        workers = ["popen"]
        for number in range(1, MACHINES):
            print(f"Making machine {number + 1} of {MACHINES} ...", flush=True)
            (folder / str(number)).mkdir()
            pid = stack.enter_context(another(number, folder / str(number)))
            enter = f"nsenter --target {pid} --mount --net --pid -- env --chdir {os.getcwd()}"
            workers.append(f"popen//python={enter} {sys.executable}")
        return subprocess.run(
            [sys.executable, "-m", "pytest", *words, "--dist", "loadfile", "--no-loadscope-reorder",
             *(word for worker in workers for word in ("--tx", worker))], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
