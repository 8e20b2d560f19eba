"""All users as a file, as the pages and the API both answer it."""

from collections.abc import Iterator

from flask import Response

from . import audit
from .accounts import current_actor
from .context import database
from .users.exchange import EXPORTS


def answer(form: str) -> Response:
    """Answer with all users in one of `EXPORTS`, after the audit log tells of it."""
    write, kind = EXPORTS[form]
    store = database()
    with store.write() as session:
        audit.record(session, current_actor(), "users.export", form)

    def lines() -> Iterator[str]:
        with store.read() as session:
            yield from write(session)
    return Response(lines(), mimetype=kind)
