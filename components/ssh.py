"""How every ssh to an engine's host is made, of the program and of its commands: the one place for its options."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

_FOLDER = ".ssh"
# ssh_config(5). They win over the operator's own file, which says who signs in, with which key, and by which way.
OPTIONS = (
    # Nobody is asked: a command that waits for an answer would look like one that hangs.
    "BatchMode=yes",
    # A host whose key is not known, or has changed, is not talked to.
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=10",
    # A host that is lost on the way is noticed after half a minute, and not by the kernel after a quarter of an hour.
    "ServerAliveInterval=10", "ServerAliveCountMax=3",
    # One connection for all, which stays for a minute: an ssh server refuses at random once ten wait to be let in
    # (MaxStartups of sshd_config(5)). Its folder is private, and short, as the name of a socket must be; all users have
    # the same word for it, for what the provider is told should not depend on who deploys.
    "ControlMaster=auto", f"ControlPath=~/{_FOLDER}/stealth-%C", "ControlPersist=60s",
)
"""Each as ssh's -o takes it; none has a blank."""


def is_ssh(docker_host: str) -> bool:
    """Tell whether an engine is reached by ssh."""
    return docker_host.startswith("ssh://")


def words() -> list[str]:
    """Return the options as a command line's words, and make the folder of the shared connection."""
    with suppress(OSError):  # ssh says it better
        # ssh reads `~` so, whatever HOME says.
        Path(pwd.getpwuid(os.getuid()).pw_dir, _FOLDER).mkdir(mode=0o700, exist_ok=True)
    return [word for option in OPTIONS for word in ("-o", option)]


def of_provider(docker_host: str) -> list[str] | None:
    """Return `ssh_opts` of the provider of an engine; none where it is not reached by ssh."""
    return words() if is_ssh(docker_host) else None


def command(docker_host: str, *remote: str) -> list[str]:
    """Return a command line that runs words of a shell on an engine's host."""
    return ["ssh", "-T", *words(), "--", docker_host, *remote]
