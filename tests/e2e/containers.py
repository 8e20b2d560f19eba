"""Docker's commands, and with them all that the tests run inside containers."""

import subprocess

_NOT_STARTED = (
    "OCI runtime exec failed: exec failed: unable to start container process: waiting for init preliminary setup: "
    "read init-p: connection reset by peer: unknown")
_TRIES = 3


def call(*words: str, stdin: str = "", timeout_seconds: float = 120) -> subprocess.CompletedProcess[bytes]:
    """Run a docker command to its end, whatever comes of it."""
    for _ in range(_TRIES):
        done = subprocess.run(["docker", *words], input=stdin.encode(), capture_output=True, check=False,
                              timeout=timeout_seconds)
        if not _has_not_started(done):
            break
    return done


def call_text(*words: str, stdin: str = "", timeout_seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a docker command to its end as `call` does, and read what it says."""
    done = call(*words, stdin=stdin, timeout_seconds=timeout_seconds)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def _has_not_started(done: subprocess.CompletedProcess[bytes]) -> bool:
    # On a busy machine runc's first process ends at times before it has said a word, so before it has joined the
    # container and long before it becomes the command (runc 1.1's libcontainer/process_linux.go, initWaiter): nothing
    # was done, and may be tried again. The engine then says this and nothing else, on standard output.
    return done.returncode != 0 and (done.stdout + done.stderr).strip().decode(errors="replace") == _NOT_STARTED
