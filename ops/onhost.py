"""Runs a shell script as root on the machine of an ssh:// engine: `python -m ops.onhost ssh://USER@HOST < script`.

Commands of the program's call it (components/host.py), with the ssh that all of these commands take. The script's
answer is printed; what it tells people on its way is dropped, unless it fails.
"""

import subprocess
import sys

from components import ssh

from .docker import Engine, last_line
from .errors import OperatorError

_SECONDS = 1200
"""Docker's packages may come by a slow line."""

_ERROR = "Error: "
# ssh(1), EXIT STATUS.
_SSH_FAILED = 255


def run(host: str, script: str) -> str:
    """Return what the script printed; raises OperatorError with its own last sentence, or with ssh's."""
    done = Engine(host).on_host(script, seconds=_SECONDS)
    if done.returncode == 0:
        _sign_in_anew(host)
        return done.stdout
    told = [line.removeprefix(_ERROR) for line in done.stderr.splitlines() if line.startswith(_ERROR)]
    if done.returncode == _SSH_FAILED and not told:
        raise OperatorError(f"the machine of {host} cannot be reached: {last_line(done.stderr)}. "
                            f"Try `ssh {host}`, mend that, and run the same command again.")
    raise OperatorError(f"{host}: {told[-1] if told else last_line(done.stderr) + '.'}")


def _sign_in_anew(host: str) -> None:
    """Let the next ssh make another connection: who has just joined a group is not of it on the present one."""
    subprocess.run(["ssh", *ssh.words(), "-O", "stop", "--", host],  # noqa: S603, S607 - an address that was checked
                   capture_output=True, check=False)


def main() -> None:
    """Run what stands on standard input."""
    try:
        sys.stdout.write(run(sys.argv[1], sys.stdin.read()))
    except OperatorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
