"""The health check; Caddy does not forward its path, so only the container's network can ask."""

from flask import Blueprint

from .accounts import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
@public
def show() -> dict[str, str]:
    """Answer that the process serves requests; it has nothing else yet that could fail."""
    return {"status": "ok"}
