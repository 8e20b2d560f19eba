"""What holds for every request: deny by default, headers on each answer, errors that tell nothing.

No answer is built from the Host header, and no address in an answer is absolute.
"""

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from .accounts import access, identity, local
from .config import PanelConfig
from .context import database

HEADERS = {
    # Nothing is loaded from elsewhere, and nothing that stands in a page itself is run or applied.
    "Content-Security-Policy":
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # The address holds the secret path, which no other site may learn. With "no-referrer" browsers would send
    # "Origin: null" with our own forms (https://fetch.spec.whatwg.org/#append-a-request-origin-header).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with every answer. HSTS is Caddy's to send: it would hold for the cover site's whole name."""

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_log = logging.getLogger(__name__)


def protect(app: Flask, config: PanelConfig) -> None:
    """Put the rules of this module around every route that app has or will get."""
    app.wsgi_app = _behind(config.proxy_address, app.wsgi_app)  # type: ignore[method-assign] # Flask's own way
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_SECRET_KEY=config.session_key,
        # A form lives as long as its session.
        WTF_CSRF_TIME_LIMIT=None,
        # It would want a Referer, which browsers may leave out; _is_ours looks at what they must send.
        WTF_CSRF_SSL_STRICT=False)
    app.before_request(partial(_admit, config, CSRFProtect(app)))
    app.after_request(_add_headers)
    app.register_error_handler(HTTPException, answer_plainly)
    app.register_error_handler(Exception, _hide_fault)


def _behind(proxy_address: str, application: Callable[..., Any]) -> Callable[..., Any]:
    """Take the client's address and scheme from Caddy's headers, and from nobody else's."""
    told = ProxyFix(application, x_for=1, x_proto=1)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        environ[identity.PEER] = environ["REMOTE_ADDR"]
        return (told if environ["REMOTE_ADDR"] == proxy_address else application)(environ, start_response)
    return answer


def _admit(config: PanelConfig, forms: CSRFProtect) -> ResponseReturnValue | None:
    if not _is_our_name(config):
        abort(404)
    g.identity = somebody = identity.of_request(config, database())
    # Also of what fits no route: before this, a slash too many would be redirected to an absolute address.
    wanted = access.scope_of(current_app.view_functions.get(request.endpoint or ""), request.method)
    if wanted != access.EVERYBODY:
        if somebody is None:
            return _turn_away(config)
        if wanted is None:
            abort(404)
        if wanted not in somebody.scopes:
            return _refuse(config, somebody)
    # Browsers add cookies by themselves, and never a token.
    if request.method not in _SAFE_METHODS and (somebody is None or somebody.way == "session"):
        if not _is_ours():
            abort(400)
        forms.protect()
    return None


def _is_our_name(config: PanelConfig) -> bool:
    # Without engines there are no facts of the server, but only our own name leads to us through Caddy. Programs of the
    # container itself name whatever they like.
    if config.server is None or request.environ[identity.PEER] == local.ADDRESS:
        return True
    return request.host.partition(":")[0].lower() == config.server.names["www"].lower()


def _turn_away(config: PanelConfig) -> ResponseReturnValue:
    """Answer a stranger alike for what exists and what does not."""
    if not f"{request.path}/".startswith(f"{config.path}/"):
        abort(404)
    if "Authorization" in request.headers or request.path.startswith(f"{config.path}/api/"):
        return Response("Unauthorized\n", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
    if request.method not in (*_SAFE_METHODS, "POST"):
        abort(404)
    # Without the secret path in front, so that the sign-in can lead nowhere but below it.
    rest = request.full_path.removeprefix(config.path).strip("/?") if request.method == "GET" else ""
    return redirect(f"{config.path}/login" + (f"?{urlencode({'next': rest})}" if rest else ""), 303)


def _refuse(config: PanelConfig, somebody: access.Identity) -> ResponseReturnValue:
    if somebody.scopes == {access.PASSWORD} and request.method in _SAFE_METHODS:
        return redirect(f"{config.path}/account/password", 303)
    return abort(403)


def _is_ours() -> bool:
    """Return whether the browser says that our own page has sent this (Fetch Metadata, and before it Origin)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == f"{request.scheme}://{request.host}"


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def answer_plainly(error: HTTPException) -> Response:
    """Answer with the error's name and nothing else."""
    return Response(f"{error.name}\n", error.code, mimetype="text/plain")


def _hide_fault(_: Exception) -> Response:
    # Flask's own log line would name the path.
    fault = secrets.token_hex(4)
    _log.exception("Fault %s at %s", fault, request.endpoint)
    return Response(f"Internal Server Error, fault {fault}\n", 500, mimetype="text/plain")
