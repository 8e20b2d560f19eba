"""Whatever happens to users, store, panel and engine, and when: the engine ends with exactly the active users."""

import shutil
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy import event

from panel import users
from panel.engines.agent import Agent
from panel.engines.synchroniser import Synchroniser
from panel.store.database import Database
from panel.store.migration import migrate
from panel.users import UnknownUserError, UserChange
from tests.admin.engines.fake_agent import TOKEN, FakeAgent, Served
from tests.admin.engines.people import ACTOR, add, view, wanted

ENGINE = "singbox"
NOW = datetime.now(UTC)
ids = st.integers(1, 6)


@cache
def empty_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "panel.db")
        database = Database(f"sqlite:///{file}")
        migrate(database)
        database.close()
        return file.read_bytes()


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.end = ExitStack()
        self.folder = Path(self.end.enter_context(tempfile.TemporaryDirectory()))
        (self.folder / "panel.db").write_bytes(empty_store())
        self.open_store()
        self.served = Served(FakeAgent())
        self.is_up = True
        self.written_down = "", dict[str, dict[str, str]]()
        self.names = 0
        self.start_panel()

    def open_store(self) -> None:
        self.database = Database(f"sqlite:///{self.folder}/panel.db")
        event.listen(
            self.database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))

    def start_panel(self) -> None:
        self.agent = Agent(self.served.url, TOKEN)
        self.bringing = Synchroniser(ENGINE, self.agent, self.database, view, verify_seconds=0)

    @rule()
    def create(self) -> None:
        self.names += 1
        add(self.database, f"person {self.names}")

    @rule(user=ids, enabled=st.booleans())
    def switch(self, user: int, enabled: bool) -> None:
        with suppress(UnknownUserError), self.database.write() as session:
            users.switch(session, ACTOR, user, enabled)

    @rule(user=ids)
    def delete(self, user: int) -> None:
        with suppress(UnknownUserError), self.database.write() as session:
            users.delete(session, ACTOR, user)

    @rule(user=ids)
    def renew_secrets(self, user: int) -> None:
        with suppress(UnknownUserError), self.database.write() as session:
            users.renew_secrets(session, ACTOR, user)

    @rule(user=ids, closed=st.lists(st.sampled_from(["shadowtls", "hysteria2", "tuic", "trojan"]), unique=True))
    def close_protocols(self, user: int, closed: list[str]) -> None:
        with suppress(UnknownUserError), self.database.write() as session:
            users.edit(session, ACTOR, user, UserChange(closed_protocols=tuple(closed)))

    @rule(user=ids, days=st.integers(-2, 2))
    def expire(self, user: int, days: int) -> None:
        with suppress(UnknownUserError), self.database.write() as session:
            users.edit(session, ACTOR, user, UserChange(expires_at=NOW + timedelta(days=days, hours=1)))

    @rule(days=st.integers(-1, 1))
    def let_time_pass(self, days: int) -> None:
        with self.database.write() as session:
            users.refresh_status(session, NOW + timedelta(days=days))

    @rule()
    def purge(self) -> None:
        revision = self.bringing.health.revision
        if self.bringing.health.state == "applied" and revision is not None:
            with self.database.write() as session:
                users.purge(session, revision.number)

    @rule()
    def step(self) -> None:
        self.bringing.step()

    @rule()
    def restart_panel(self) -> None:
        self.agent.close()
        self.start_panel()

    @rule()
    def copy_store(self) -> None:
        self.database.close()
        shutil.copy(self.folder / "panel.db", self.folder / "copy.db")
        self.open_store()
        self.restart_panel()

    @precondition(lambda self: (self.folder / "copy.db").exists())
    @rule()
    def restore_store(self) -> None:
        self.database.close()
        shutil.copy(self.folder / "copy.db", self.folder / "panel.db")
        self.open_store()
        self.restart_panel()

    @rule()
    def restart_engine(self) -> None:
        self.served.agent.restart()

    @rule()
    def lose_volume(self) -> None:
        self.served.agent.revision, self.served.agent.users = "", {}
        self.served.agent.restart()

    @rule()
    def copy_volume(self) -> None:
        self.written_down = self.served.agent.revision, dict(self.served.agent.users)

    @rule()
    def restore_volume(self) -> None:
        self.served.agent.revision, self.served.agent.users = self.written_down[0], dict(self.written_down[1])
        self.served.agent.restart()

    @rule()
    def damage_users(self) -> None:
        self.served.agent.users = {"u77": {"tuic": "stranger"}}

    @rule(fault=st.sampled_from(["", "u1: no room"]))
    def engine_refuses(self, fault: str) -> None:
        self.served.agent.fault = fault

    @precondition(lambda self: self.is_up)
    @rule()
    def kill_engine(self) -> None:
        self.served.die()
        self.is_up = False

    @precondition(lambda self: not self.is_up)
    @rule()
    def start_engine(self) -> None:
        self.served.rise()
        self.is_up = True

    # One around another would ask twice as often each time.
    @precondition(lambda self: "answer" not in vars(self.served.agent))
    @rule()
    def lose_an_answer(self) -> None:
        """Let the agent do what it is told next, and the panel never hear of it."""
        agent, ask = self.served.agent, self.served.agent.answer

        def answer_and_hang_up(method: str, path: str, body: object) -> tuple[int, object]:
            ask(method, path, body)
            if method == "GET":
                return ask(method, path, body)
            del agent.answer  # the method of the class stays
            return 0, ""

        agent.answer = answer_and_hang_up  # type: ignore[method-assign]

    def teardown(self) -> None:
        if not self.is_up:
            self.served.rise()
        self.served.agent.fault = ""
        # The first may lose its answer.
        for _ in range(2):
            self.bringing.step()
        try:
            assert self.served.agent.users == wanted(self.database, ENGINE)
            assert self.bringing.health.state == "applied"
        finally:
            self.agent.close()
            self.served.die()
            self.database.close()
            self.end.close()


TestConvergence = World.TestCase
TestConvergence.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
