"""What the panel relies on in an agent: claims that the fake one of the other tests and the real one both hold."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from panel.engines.agent import Agent, AgentError, ConflictError
from panel.engines.digest import digest
from tests.admin.engines import real_agent
from tests.admin.engines.fake_agent import TOKEN, FakeAgent, Served
from tests.admin.engines.real_agent import RealAgent

USERS = {"u1": {"trojan": "one"}, "u2": {"trojan": "two", "tuic": "three ü"}}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_agent.build(tmp_path_factory.mktemp("agent"))


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served | RealAgent]:
    """An agent that listens: the fake one in quick tests, and both with the integration tests."""
    made: Served | RealAgent = (Served(FakeAgent()) if request.param == "fake"
                                else RealAgent(request.getfixturevalue("program"), tmp_path))
    yield made
    made.die()


@pytest.fixture
def agent(served: Served | RealAgent) -> Iterator[Agent]:
    agent = Agent(served.url, TOKEN)
    yield agent
    agent.close()


def test_a_new_agent_knows_nobody(agent: Agent) -> None:
    status = agent.status()
    assert (status.revision, status.users, status.applied, status.fault) == ("", 0, True, "")
    assert status.digest == digest({})
    assert status.instance


def test_all_users_and_then_a_change(agent: Agent) -> None:
    assert agent.replace("e:1", USERS).digest == digest(USERS)
    status = agent.change("e:1", "e:2", {"u3": {"trojan": "four"}}, ["u1", "u9"])
    assert status == agent.status()
    assert (status.revision, status.users) == ("e:2", 2)
    assert status.digest == digest({"u2": USERS["u2"], "u3": {"trojan": "four"}})


def test_a_change_of_another_revision_is_a_conflict_and_changes_nothing(agent: Agent) -> None:
    before = agent.replace("e:1", USERS)
    with pytest.raises(ConflictError):
        agent.change("e:0", "e:2", {}, ["u1"])
    assert agent.status() == before


def test_a_user_without_secrets_is_refused_with_the_agents_sentence(agent: Agent) -> None:
    with pytest.raises(AgentError, match="422: refused: user u1 has no secret"):
        agent.replace("e:1", {"u1": {}})


def test_another_token_is_told(served: Served) -> None:
    with (closing(Agent(served.url, "another")) as agent,
          pytest.raises(AgentError, match="another token than the panel; deploy both anew")):
        agent.status()


def test_traffic_comes_with_the_run_that_status_names(agent: Agent) -> None:
    assert agent.traffic().users == {}
    assert agent.traffic().instance == agent.status().instance


def test_a_restart_keeps_the_users_and_is_another_run(agent: Agent, served: Served | RealAgent) -> None:
    before = agent.replace("e:1", USERS)
    served.die()
    if isinstance(served, Served):
        served.agent.restart()
    served.rise()
    after = agent.status()
    assert after.instance != before.instance
    assert (after.revision, after.digest, after.users) == (before.revision, before.digest, before.users)


def test_ten_thousand_users_fit_into_one_request(agent: Agent) -> None:
    many = {f"u{number}": {"shadowtls": "x" * 24, "hysteria2": "x" * 32, "tuic": "x" * 69} for number in range(10_000)}
    status = agent.replace("e:1", many)
    assert (status.users, status.digest) == (10_000, digest(many))


@pytest.mark.integration
def test_what_the_engine_refuses_is_told_with_its_user(program: Path, tmp_path: Path) -> None:
    served = RealAgent(program, tmp_path)
    with closing(Agent(served.url, TOKEN)) as agent:
        status = agent.replace("e:1", {**USERS, "u3": {"trojan": "refused"}})
        assert (status.applied, status.fault, status.users) == (False, "u3: no room", 3)
        assert set(agent.traffic().users) == {"u1", "u2"}
        assert agent.traffic().users["u2"]["tuic"].down == 2
    served.die()
