"""Values that no page offers, as addresses, questions, forms and JSON bring them; whom they meet, and what may come."""

from typing import Any

import pytest

from panel import audit
from panel import users as service
from panel.accounts import throttle
from panel.store.database import Database
from panel.users import NewUser
from tests.admin import people

NUMBERS = ("0", "-1", "1.5", str(2**63), str(2**64), "9" * 5000, "1e999999", "1e-999999", "1e99999999999999999999",
           "NaN", "sNaN", "-Infinity", "0x10", "\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}")
TEXTS = ("", "a\0b", "\r\nSet-Cookie: a=b", "../..", "%252e%252e", "'\"<script>", "%_\\" * 300, "a " * 4000,
         "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 300, "\U0010ffff\ufffe\u202e")
TIMES = ("9999-12-31", "0001-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59")
SENT = NUMBERS + TEXTS + TIMES
"""As addresses, questions and forms bring them."""

SAID: tuple[Any, ...] = (
    *TEXTS, *TIMES, "\ud800", 0, -1, 1.5, 2**63, 2**64, 10**400, 1e308, float("nan"), float("inf"), True, None, [], {},
    [[]], [None], [2**64], ["\ud800"], {"": ""})
"""As JSON brings them."""

BODIES = (b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * 100_000,
          b"9" * 5000, b'{"name": ' + b"9" * 5000 + b"}", b'{"quota_bytes": 1e999999, "name": "x"}',
          b'{"name": "\\ud800"}', b'{"proof": {"password": "\\ud800", "code": "\\ud800"}}')
"""JSON, or what claims to be."""


def prepare(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a user and an account, both of id 1; and take the pauses away, in which nothing would be looked at."""
    monkeypatch.setattr(throttle, "admit", lambda *_: (0, 1))
    people.add(database, "zoe")
    with database.write() as session:
        service.create(session, audit.PANEL, None, NewUser(name="first"))


def check(answer: Any, *what: object) -> None:
    """Fail if an answer says that the fault is ours."""
    assert answer.status_code < 500, (what, answer.text)
