"""What holds for every request: deny by default, headers on each answer, errors that tell nothing.

The Host header is never read, no answer is built from it, and no address in an answer is absolute.
"""

import logging
import secrets

from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

PUBLIC_ENDPOINTS = frozenset({"health.show", "front.page", "web.static"})
"""The only endpoints that answer without a sign-in; a new route is closed until it is named here."""

HEADERS = {
    # Nothing is loaded from elsewhere, and nothing that stands in a page itself is run or applied.
    "Content-Security-Policy":
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # The address holds the secret path, which no other site may learn.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with every answer. HSTS is Caddy's to send: it would hold for the cover site's whole name."""

_log = logging.getLogger(__name__)


def protect(app: Flask) -> None:
    """Put the rules of this module around every route that app has or will get."""
    app.before_request(_deny_by_default)
    app.after_request(_add_headers)
    app.register_error_handler(HTTPException, _answer_plainly)
    app.register_error_handler(Exception, _hide_fault)


def _deny_by_default() -> None:
    # Also what fits no route: before this, a slash too many would be redirected to an absolute address.
    if request.endpoint not in PUBLIC_ENDPOINTS:
        abort(404)


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _answer_plainly(error: HTTPException) -> Response:
    return Response(f"{error.name}\n", error.code, mimetype="text/plain")


def _hide_fault(_: Exception) -> Response:
    # Flask's own log line would name the path.
    fault = secrets.token_hex(4)
    _log.exception("Fault %s at %s", fault, request.endpoint)
    return Response(f"Internal Server Error, fault {fault}\n", 500, mimetype="text/plain")
