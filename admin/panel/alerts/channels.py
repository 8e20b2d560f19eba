"""The ways to tell an operator: a webhook and mail. The addresses come from the configuration, never from a form.

A fault is told without the address, which may hold a password or be a secret itself.
"""

import hashlib
import hmac
import http.client
import json
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from ..config import AlertTargets
from ..store.alerts import Message

_ANSWER_SECONDS = 10.0
SIGNATURE_HEADER = "X-Signature-256"
"""HMAC-SHA256 of the body, as `sha256=HEX`; the form that GitHub's webhooks have made common."""


class DeliveryError(Exception):
    """The message did not arrive; the text is a sentence without secrets."""


class Channel(Protocol):
    """A way to tell an operator."""

    name: str

    def deliver(self, message: Message) -> None:
        """Deliver a message, or raise DeliveryError."""


def chosen(targets: AlertTargets, server: str) -> list[Channel]:
    """Return the ways that are configured; server is the name by which operators know this one."""
    ways: list[Channel] = []
    if targets.webhook_url:
        ways.append(Webhook(targets.webhook_url, server))
    if targets.smtp_url and targets.mail_to:
        ways.append(Mail(targets.smtp_url, targets.mail_to, server))
    return ways


class Webhook:
    """Posts JSON; what follows # in the address is never sent and is the key of a signature."""

    name = "webhook"

    def __init__(self, url: str, server: str) -> None:
        self._url = urlsplit(url)
        self._server = server

    def deliver(self, message: Message) -> None:
        """Post the message; any answer but 2xx is a fault, and no redirect is followed."""
        body = json.dumps({
            "id": message.id, "at": message.at.isoformat(), "server": self._server, "kind": message.kind,
            "sentence": message.sentence}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "stealth-vpn"}
        if self._url.fragment:
            signature = hmac.new(unquote(self._url.fragment).encode(), body, hashlib.sha256).hexdigest()
            headers[SIGNATURE_HEADER] = f"sha256={signature}"
        with _sentences("The webhook", "alertWebhookUrl"):
            code = self._post(body, headers)
        if code // 100 != 2:
            raise DeliveryError(f"The webhook answers {code}; look at what alertWebhookUrl leads to.")

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        connection = _connection(self._url)
        try:
            path = self._url._replace(scheme="", netloc="", fragment="").geturl() or "/"
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


class Mail:
    """Sends mail by a server that takes it over TLS with a certificate that holds."""

    name = "mail"

    def __init__(self, url: str, to: str, server: str) -> None:
        self._url = urlsplit(url)
        self._to = to
        self._server = server

    def deliver(self, message: Message) -> None:
        """Hand the message over; raises DeliveryError."""
        user = unquote(self._url.username or "")
        mail = EmailMessage()
        mail["From"] = user if "@" in user else self._to
        mail["To"] = self._to
        mail["Date"] = format_datetime(message.at)
        mail["Subject"] = f"[{self._server}] {message.kind.replace('_', ' ')}"
        mail.set_content(message.sentence + "\n")
        with _sentences("The mail server", "alertSmtpUrl"), self._connect() as connection:
            if user:
                connection.login(user, unquote(self._url.password or ""))
            connection.send_message(mail)

    def _connect(self) -> smtplib.SMTP:
        host, context = self._url.hostname or "", ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=_ANSWER_SECONDS, context=context)
        connection = smtplib.SMTP(host, self._url.port or 587, timeout=_ANSWER_SECONDS)
        # A server without STARTTLS is refused: a stranger on the way may have taken the offer out (RFC 3207, 6).
        try:
            connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
        return connection


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    if url.scheme == "https":
        return http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=_ANSWER_SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(url.hostname or "", url.port, timeout=_ANSWER_SECONDS)


@contextmanager
def _sentences(subject: str, key: str) -> Iterator[None]:
    """Turn whatever goes wrong into a DeliveryError that names the configuration's key."""
    try:
        yield
    # A port that is none is a ValueError.
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DeliveryError(f"{subject} did not take it ({_reason(error)}); look at {key}.") from None


def _reason(error: Exception) -> str:
    match error:
        case smtplib.SMTPResponseException():
            # The server's own words may repeat what it was sent.
            return f"code {error.smtp_code}"
        case smtplib.SMTPNotSupportedError():
            return "it offers no STARTTLS or no sign-in"
        case ssl.SSLCertVerificationError():
            return error.verify_message
        case OSError() if error.strerror:
            return error.strerror
    return type(error).__name__
