from collections.abc import Iterator

import pytest

from panel import users
from panel.engines import synchroniser
from panel.engines.agent import Agent
from panel.engines.synchroniser import Synchroniser
from panel.store.database import Database
from panel.store.models import Fact
from tests.admin.engines.fake_agent import TOKEN, Served
from tests.admin.engines.people import ACTOR, add, view, wanted

ENGINE = "singbox"


@pytest.fixture
def bringing(database: Database, served: Served) -> Iterator[Synchroniser]:
    agent = Agent(served.url, TOKEN)
    yield Synchroniser(ENGINE, agent, database, view)
    agent.close()


def told(served: Served) -> list[str]:
    """Return what the agent was told since the last call."""
    asked, served.agent.asked = served.agent.asked, []
    return [request for request in asked if not request.startswith("GET")]


def test_a_new_engine_is_told_all(bringing: Synchroniser, database: Database, served: Served) -> None:
    add(database, "Anna", "Boris")
    bringing.step()
    assert served.agent.users == wanted(database, ENGINE)
    assert len(served.agent.users) == 2
    assert (bringing.health.state, bringing.health.users) == ("applied", 2)


def test_a_change_is_sent_alone(bringing: Synchroniser, database: Database, served: Served) -> None:
    first, second = add(database, "Anna", "Boris")
    bringing.step()
    told(served)
    with database.write() as session:
        users.switch(session, ACTOR, first, False)
        users.renew_secrets(session, ACTOR, second)
    add(database, "Clara")
    bringing.step()
    assert told(served) == ["PATCH /users"]
    assert served.agent.users == wanted(database, ENGINE)
    assert sorted(served.agent.users) == ["u2", "u3"]


def test_without_a_change_the_engine_is_only_looked_at(
    bringing: Synchroniser, database: Database, served: Served,
) -> None:
    add(database, "Anna")
    assert [bringing.step() for _ in range(3)] == [synchroniser.LOOK_SECONDS] * 3
    assert told(served) == ["PUT /users"]


def test_another_revision_in_the_engine_brings_all(bringing: Synchroniser, database: Database, served: Served) -> None:
    add(database, "Anna")
    bringing.step()
    for word in ("another:1", "", "nonsense", f"{epoch(database)}:99", f"{epoch(database)}:-1"):
        told(served)
        served.agent.revision, served.agent.users = word, {"u9": {"tuic": "stranger"}}
        bringing.step()
        assert told(served) == ["PUT /users"], word
        assert served.agent.users == wanted(database, ENGINE)


def test_a_restarted_engine_that_lost_users_is_told_all_at_once(
    bringing: Synchroniser, database: Database, served: Served,
) -> None:
    add(database, "Anna")
    bringing.step()
    served.agent.users = {}
    bringing.step()
    assert served.agent.users == {}, "the same run is compared each minute only"
    served.agent.restart()
    bringing.step()
    assert served.agent.users == wanted(database, ENGINE)


def test_other_users_at_the_same_revision_are_found_by_the_digest(database: Database, served: Served) -> None:
    agent = Agent(served.url, TOKEN)
    bringing = Synchroniser(ENGINE, agent, database, view, verify_seconds=0)
    add(database, "Anna")
    bringing.step()
    served.agent.users["u1"]["tuic"] = "another"
    bringing.step()
    assert served.agent.users == wanted(database, ENGINE)
    agent.close()


def test_a_change_between_look_and_change_is_a_conflict_that_ends_well(
    bringing: Synchroniser, database: Database, served: Served,
) -> None:
    add(database, "Anna")
    bringing.step()
    add(database, "Boris")
    told(served)

    def rewind() -> None:
        if served.agent.asked[-1] == "PATCH /users":
            served.agent.revision = "another:7"

    served.agent.instead = rewind
    bringing.step()
    assert told(served) == ["PATCH /users", "PUT /users"]
    assert served.agent.users == wanted(database, ENGINE)


def test_a_dead_engine_is_failed_and_asked_less_and_less_until_it_is_back(
    bringing: Synchroniser, database: Database, served: Served,
) -> None:
    add(database, "Anna")
    bringing.step()
    confirmed_at = bringing.health.confirmed_at
    served.die()
    assert [bringing.step() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    assert bringing.health.state == "failed"
    assert bringing.health.fault == "its agent refuses the connection; look at the engine's container."
    assert bringing.health.confirmed_at == confirmed_at
    add(database, "Boris")
    served.rise()
    assert bringing.step() == synchroniser.LOOK_SECONDS
    assert (bringing.health.state, bringing.health.fault) == ("applied", "")
    assert served.agent.users == wanted(database, ENGINE)


def test_what_the_engine_itself_refuses_is_failed_with_its_words(
    bringing: Synchroniser, database: Database, served: Served,
) -> None:
    add(database, "Anna")
    served.agent.fault = "u1: no room"
    bringing.step()
    assert (bringing.health.state, bringing.health.fault) == ("failed", "its agent says: u1: no room")
    served.agent.fault = ""
    bringing.step()
    assert bringing.health.state == "applied"


def test_a_panel_that_was_killed_goes_on_where_the_engine_stands(database: Database, served: Served) -> None:
    for name, request in (("Anna", "PUT /users"), ("Boris", "PATCH /users")):
        add(database, name)
        agent = Agent(served.url, TOKEN)
        Synchroniser(ENGINE, agent, database, view).step()
        agent.close()
        assert told(served) == [request]
        assert served.agent.users == wanted(database, ENGINE)


def test_no_secret_of_a_user_is_logged(
    bringing: Synchroniser, database: Database, served: Served, caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    add(database, "Anna")
    bringing.step()
    served.die()
    bringing.step()
    assert "Engine singbox has its 1 users." in caplog.text
    assert [secret for secret in served.agent.users["u1"].values() if secret in caplog.text] == []


def epoch(database: Database) -> str:
    with database.read() as session:
        return session.get_one(Fact, "epoch").value
