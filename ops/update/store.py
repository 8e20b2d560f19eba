"""The panel's store over an update: which tables it has, and having back those of before."""

from ..docker import STACK_LABEL, Engine, last_line
from ..errors import OperatorError
from ..panel import CONTAINER

_PROGRAM = ("/app/venv/bin/python", "/app/revision.py")
_VOLUME, _FOLDER = "stealth-admin-data", "/var/lib/admin"
_FILE = f"{_FOLDER}/panel.db"
_USER = "10006:10006"
_NAME = "stealth-store"


def tables(engine: Engine) -> str:
    """Return the revision of the running panel's tables; empty if no panel tells."""
    done = engine.execute(CONTAINER, *_PROGRAM)
    return done.stdout.strip() if done.returncode == 0 else ""


def go_back(engine: Engine, stack: str, image: str) -> bool:
    """Make ready that the panel of an image, the former one, has its store as before; tell whether it was changed.

    A panel that runs is stopped first. Only of SQLite: another database is the operator's own.
    """
    engine.ask("stop", "--time", "10", CONTAINER)
    engine.ask("rm", "--force", _NAME)
    done = engine.ask(
        "run", "--rm", "--name", _NAME, "--label", f"{STACK_LABEL}={stack}", "--network", "none", "--read-only",
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", _USER, "--volume", f"{_VOLUME}:{_FOLDER}",
        "--entrypoint", _PROGRAM[0], image, _PROGRAM[1], "--go-back", _FILE)
    if "can't open file" in done.stderr:
        return False  # a panel from before there was this program: it knows as many tables as there were then
    if done.returncode != 0:
        raise OperatorError(f"the panel's store cannot be had back as it was: {last_line(done.stderr)}. "
                            "`ops rollback` with the last backup brings users and accounts of then.")
    return done.stdout.strip() == "former"
