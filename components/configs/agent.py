"""The agents: in each engine the part that keeps its users as the panel wants them (decision 0015)."""

from components.rendering import render

from . import ports
from .plan import Plan


def files(plan: Plan, engine: str, token: str) -> dict[str, str]:
    """Return what the agent of an engine is told, by file name; the panel shows it the token."""
    return {"agent.json": render(
        "agent/agent.json.j2", listen=address(plan, engine), token=token, users=f"/var/lib/{engine}/users.json")}


def address(plan: Plan, engine: str) -> str:
    """Return HOST:PORT of an engine's agent, on the control network."""
    return f"{plan.control(engine)}:{ports.AGENT}"
