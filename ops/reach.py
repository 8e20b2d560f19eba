"""Why an engine does not answer, out of what Docker and ssh said of it, and what mends that."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from components import ssh

_AGAIN = "then run the same command again: it goes on from what was done"
# How our provider and the official one say that ssh has ended (docker/cli, cli/connhelper/commandconn).
_ENDED = re.compile(r"command \[ssh (?P<words>.*?) docker system dial-stdio\] has exited .*?stderr=(?P<said>.*)", re.S)
_SILENT = re.compile(r"Docker Engine at (?P<host>ssh://\S+) does not answer: (?P<said>.*)\. Start it, or change", re.S)
_FULL = re.compile(r"no space left on device", re.I)
# What OpenSSH, a shell or Docker's command line writes, and what that means; the first that fits counts.
_REASONS = (
    (r"identification has changed|host key .* has changed",
     "the host key of {name} has changed. The machine was set up anew, or another one answers at its address. Compare "
     "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on its own console with the fingerprint that `ssh {person}` "
     "shows, and only if they are the same run `ssh-keygen -R {known}` and then `ssh {person}` once"),
    (r"host key verification failed|no .* host key is known",
     "the host key of {name} is not the one that is known here, or none is. Run `ssh {person}` once, and compare what "
     "it shows with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine's own console"),
    (r"permission denied \(|too many authentication failures",
     "{reason}: it lets nobody in by your ssh keys. Put your public key there with `ssh-copy-id {person}`, or name the "
     "key for {name} in ~/.ssh/config"),
    (r"docker: (command )?not found",
     "there is no Docker. Install it with `ssh {person} sudo apt-get install docker.io`"),
    (r"permission denied while trying to connect to the docker",
     "this user may not use Docker. Run `ssh {person} 'sudo usermod -aG docker $USER'`"),
    (r"is the docker daemon running|failed to connect to the docker api",
     "Docker does not run there. Run `ssh {person} sudo systemctl start docker`"),
    (r"ssh: |connection (closed|reset|refused|timed out)|kex_exchange|broken pipe|timeout, server",
     "{reason}. See that the machine runs and that `ssh {person}` gets in, or run "
     "`pulumi config set dockerHost <address>`"),
    (r"", "{reason}. Look at it with `ssh {person} docker info`, or run `pulumi config set dockerHost <address>`"),
)
# With a shared connection, those who use it end without a word when it breaks.
_WORDLESS = re.compile(r"^$|broken pipe|timeout, server|mux_client|closed by remote|exit status", re.I)


@dataclass(frozen=True, kw_only=True)
class _Way:
    """How an operator reaches a host by hand."""

    user: str
    name: str
    port: str

    @classmethod
    def of(cls, docker_host: str) -> Self:
        parts = urlsplit(docker_host)
        return cls(user=parts.username or "", name=parts.hostname or "", port=str(parts.port or ""))

    @classmethod
    def of_words(cls, words: list[str]) -> Self:
        """Read the words of a client that connhelper has started."""
        after = {words[index]: words[index + 1] for index in range(len(words) - 1)}
        return cls(user=after.get("-l", ""), name=after.get("--", words[-1]), port=after.get("-p", ""))

    @property
    def address(self) -> str:
        at, colon = f"{self.user}@" if self.user else "", f":{self.port}" if self.port else ""
        return f"ssh://{at}{self.name}{colon}"

    @property
    def person(self) -> str:
        at, port = f"{self.user}@" if self.user else "", f"-p {self.port} " if self.port else ""
        return f"{port}{at}{self.name}"

    @property
    def known_name(self) -> str:
        """What known_hosts calls it."""
        return f"'[{self.name}]:{self.port}'" if self.port else self.name


def sentence(docker_host: str, said: str) -> str:
    """Return what an operator can do about an engine that does not answer; `said` is what Docker or ssh wrote."""
    _, _, behind = said.rpartition("stderr=")
    reason = _last_line(behind or said)
    if not ssh.is_ssh(docker_host):
        return (f"Docker Engine at {docker_host} does not answer: {reason}. "
                "Start it with `toolchain/engine.sh`, or run `pulumi config set dockerHost <address>`.")
    way = _Way.of(docker_host)
    told = next(text for pattern, text in _REASONS if re.search(pattern, said, re.I))
    told = told.format(name=way.name, person=way.person, known=way.known_name, reason=reason)
    return f"Docker Engine at {docker_host} does not answer: {told}."


def person(docker_host: str) -> str:
    """Return the words with which an operator's `ssh` gets to the host of an engine."""
    return _Way.of(docker_host).person


def explained(faults: Iterable[str]) -> list[str]:
    """Return the faults of a run, with one sentence for all that a lost host or a full disk has caused."""
    return list(dict.fromkeys(_explained(faults)))


def _explained(faults: Iterable[str]) -> Iterator[str]:
    for fault in faults:
        if _FULL.search(fault):
            yield (f"{fault.rstrip('.')}. The disk of the engine's machine is full: free some, for example with "
                   f"`docker system prune` there, {_AGAIN}.")
        elif ended := _ENDED.search(fault):
            yield _lost(_Way.of_words(ended["words"].split()), ended["said"].strip())
        elif silent := _SILENT.search(fault):
            yield _lost(_Way.of(silent["host"]), silent["said"].strip())
        else:
            yield fault


def _lost(way: _Way, said: str) -> str:
    if _WORDLESS.search(said):
        return (f"The connection to {way.address} was lost in the middle of the run. See that "
                f"`ssh {way.person} docker info` answers, {_AGAIN}.")
    return f"{sentence(way.address, said).rstrip('.')}; {_AGAIN}."


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "no reason was given"
