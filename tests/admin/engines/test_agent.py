"""What the client makes of an agent, and what it makes of everything else."""

import threading
from collections.abc import Iterator

import pytest

from panel.engines.agent import Agent, AgentError, Counters
from tests.admin.engines.fake_agent import TOKEN, Served

USERS = {"u1": {"trojan": "one"}, "u2": {"trojan": "two", "tuic": "three"}}


@pytest.fixture
def agent(served: Served) -> Iterator[Agent]:
    agent = Agent(served.url, TOKEN)
    yield agent
    agent.close()


def test_traffic_is_read_with_the_run_it_belongs_to(agent: Agent, served: Served) -> None:
    assert agent.traffic().users == {}
    served.agent.traffic = {"u1": {"trojan": {"up": 1, "down": 2, "open": 3}, "tuic": {
        "up": 0, "down": 0, "open": 0, "seen": 9}}}
    report = agent.traffic()
    assert report.instance == agent.status().instance
    assert report.users == {"u1": {
        "trojan": Counters(up=1, down=2, open=3), "tuic": Counters(up=0, down=0, open=0, seen=9)}}


def test_one_connection_serves_until_the_agent_ends_it(agent: Agent, served: Served) -> None:
    agent.status()
    first = agent._connection.sock
    agent.status()
    assert agent._connection.sock is first
    served.die()
    served.rise()
    assert agent.status().instance == served.agent.instance
    assert agent._connection.sock is not first


def test_an_agent_that_is_gone_is_told_and_found_again(agent: Agent, served: Served) -> None:
    served.die()
    with pytest.raises(AgentError, match="refuses the connection; look at the engine's container"):
        agent.status()
    served.rise()
    assert agent.status().applied


def test_an_agent_that_hangs_up_each_time_is_given_up(agent: Agent, served: Served) -> None:
    served.agent.instead = lambda: (0, "")
    with pytest.raises(AgentError):
        agent.status()
    assert len(served.agent.asked) < 3


def test_an_agent_that_is_slow_is_not_waited_for(
    agent: Agent, served: Served, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("panel.engines.agent._TELL_SECONDS", 0.05)
    agent.status()
    answered = threading.Event()
    served.agent.instead = lambda: (200, str(answered.wait(5)))
    with pytest.raises(AgentError, match=r"did not answer within 0\.05 seconds"):
        agent.replace("e:1", USERS)
    answered.set()


@pytest.mark.parametrize("text", [
    "", "<html>", "null", "[]", "3", "{}", '"status"', "[" * 100_000, "\ufffd", '{"instance": "i"}',
    '{"instance": "i", "revision": "", "digest": "", "users": "many", "applied": true}',
    '{"instance": "i", "users": [1]}', '{"instance": "i", "users": {"u1": 3}}',
    '{"instance": "i", "users": {"u1": {"trojan": {"up": 1}}}}',
    '{"instance": "i", "users": {"u1": {"trojan": {"up": "x", "down": 2, "open": 3}}}}',
    '{"instance": "i", "users": {"u1": {"trojan": {"up": 1e999, "down": 2, "open": 3}}}}',
])
def test_an_answer_of_another_shape_is_a_fault_in_a_sentence(agent: Agent, served: Served, text: str) -> None:
    served.agent.instead = lambda: (200, text)
    for ask in (agent.status, agent.traffic):
        if text == '{"instance": "i"}' and ask == agent.traffic:
            continue
        with pytest.raises(AgentError, match=r"deploy the engine anew\.$"):
            ask()


def test_an_answer_without_end_is_not_read_to_its_end(
    agent: Agent, served: Served, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("panel.engines.agent._MOST_BYTES", 1000)
    served.agent.instead = lambda: (200, "x" * 1001)
    with pytest.raises(AgentError, match="its answer has no end"):
        agent.status()


def test_an_error_page_is_cut_short(agent: Agent, served: Served) -> None:
    served.agent.instead = lambda: (500, "x" * 10_000)
    with pytest.raises(AgentError, match=r"its agent answers 500: x{300}$"):
        agent.status()
