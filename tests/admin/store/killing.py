"""Kills a process that writes to a store, again and again: `python -m tests.admin.store.killing SEED ROUNDS FOLDER`.

A program of its own, because it forks, which a process with threads may not. The child says what it will do and, once
that is committed, that it is done; so the store must hold all that was done, and at most the one thing that was begun.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from panel import users
from panel.audit import PANEL, broken_at
from panel.store.database import Database
from panel.store.migration import migrate
from panel.store.models import User
from panel.users import NewUser, UserChange

# A write takes some milliseconds, so that a kill meets each part of it.
_MOST_SECONDS = 0.06
_MOST_AWAITED = 3
_NEW_STORE_EVERY = 8

State = dict[str, str]
Step = tuple[str, str, str]


def main(seed: str, rounds: str, folder: str) -> None:
    """Kill so many times; print how the begun writes ended, or end with an assertion."""
    chance = random.Random(int(seed))
    state: State = {}
    ends: Counter[str] = Counter()
    file = Path(folder) / "panel.db"
    for number in range(int(rounds)):
        is_new = number % _NEW_STORE_EVERY == 0
        if is_new:
            for part in Path(folder).glob("panel.db*"):
                part.unlink()
            state = {}
        steps, begun = _killed(file, chance, state, is_new)
        for step in steps:
            _expect(state, step)
        _verify(file, state, begun, ends)
        ends["acknowledged"] += len(steps)
    print(json.dumps(ends))


def _killed(file: Path, chance: random.Random, state: State, is_new: bool) -> tuple[list[Step], Step | None]:
    """Return the steps that a child acknowledged until it was killed, and the one that it had begun."""
    reader, writer = os.pipe()
    seed, seconds, awaited = chance.random(), chance.uniform(0, _MOST_SECONDS), chance.randrange(_MOST_AWAITED)
    child = os.fork()
    if not child:
        os.close(reader)
        _write(file, random.Random(seed), dict(state), writer)
    os.close(writer)
    with open(reader) as lines:
        # A new store's writer ends while it makes the tables, any other after some writes: two lines tell of each.
        heard = [] if is_new else [lines.readline() for _ in range(1 + 2 * awaited)]
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said = [line.split("\t") for line in (*heard, *lines) if line.endswith("\n") and "\t" in line]
    done = [(step[1], step[2], step[3].rstrip("\n")) for step in said if step[0] == "done"]
    begun = [(step[1], step[2], step[3].rstrip("\n")) for step in said if step[0] == "begin"]
    return done, begun[-1] if len(begun) > len(done) else None


def _write(file: Path, chance: random.Random, state: State, writer: int) -> None:
    database = Database(f"sqlite:///{file}")
    migrate(database)
    os.write(writer, b"open\n")
    while True:
        step = _next(chance, state)
        told = "\t".join(step) + "\n"
        os.write(writer, f"begin\t{told}".encode())
        _do(database, step)
        os.write(writer, f"done\t{told}".encode())
        _expect(state, step)


def _next(chance: random.Random, state: State) -> Step:
    if len(state) < 3 or chance.random() < 0.4:
        return "create", f"user {chance.getrandbits(48)}", ""
    name = chance.choice(sorted(state))
    return ("delete", name, "") if chance.random() < 0.4 else ("note", name, f"note {chance.getrandbits(48)}")


def _do(database: Database, step: Step) -> None:
    action, name, note = step
    with database.write() as session:
        if action == "create":
            users.create(session, PANEL, None, NewUser(name=name))
            return
        user = users.by_name(session, name)
        assert user
        if action == "delete":
            users.purge(session, users.delete(session, PANEL, user.id).revision)
        else:
            users.edit(session, PANEL, user.id, UserChange(note=note))


def _expect(state: State, step: Step) -> None:
    action, name, note = step
    if action == "delete":
        del state[name]
    else:
        state[name] = note


def _verify(file: Path, state: State, begun: Step | None, ends: Counter[str]) -> None:
    """Open the store as the panel's start does, and compare; what is found becomes the state."""
    database = Database(f"sqlite:///{file}")
    migrate(database)
    with database.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
        assert broken_at(session) is None
        found = {user.name: user.note for user in session.query(User)}
    database.close()
    after = dict(state)
    if begun:
        _expect(after, begun)
    assert found in (state, after), f"acknowledged {state}, begun {begun}, found {found}"
    ends["nothing begun" if begun is None else "begun and kept" if found == after else "begun and gone"] += 1
    state.clear()
    state.update(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
