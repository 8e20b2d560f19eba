"""Passwords: which are taken, and the slow hash that the store keeps.

bcrypt looks at 72 bytes, so it gets the HMAC-SHA256 of the password in base64 (ASVS 5.0, 6.2.9), by a key that is not
in the store. The first account's hash is made by the deployment and plain; it serves until that password is changed.
"""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from functools import cache
from pathlib import Path

import bcrypt
from flask_babel import gettext as _

from .errors import AccountError

COST = 12
"""Rounds of bcrypt as a power of two: a quarter of a second."""

FEWEST_CHARACTERS = 15
MOST_CHARACTERS = 1024
# Written before our own hashes; a plain one begins with $2.
_KEYED = "hmac-sha256:"
_BCRYPT_BYTES = 72
_GIVEN_BYTES = 18
# Most common of the passwords that were made public (github.com/dwolfhub/zxcvbn-python, MIT), and the long ones of
# github.com/django/django (contrib/auth/common-passwords.txt.gz, BSD).
_COMMON = Path(__file__).parent / "common_passwords.txt"


def given() -> str:
    """Make a password for somebody who must change it: 144 bits."""
    return secrets.token_urlsafe(_GIVEN_BYTES)


def check(password: str, username: str) -> None:
    """Raise AccountError unless this may become the password of username."""
    if not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise AccountError("password", _(
            "The password has %(count)d characters; take %(fewest)d to %(most)d, such as a few words.",
            count=len(password), fewest=FEWEST_CHARACTERS, most=MOST_CHARACTERS))
    if _is_common(password.casefold(), username.casefold()):
        raise AccountError("password", _(
            "The password is one of those that are tried first; take a few words that have nothing to do with each "
            "other."))


def hashed(pepper: str, password: str) -> str:
    """Return what the store keeps of a password."""
    return _KEYED + bcrypt.hashpw(_key(pepper, password), bcrypt.gensalt(COST)).decode()


def matches(pepper: str, password: str, kept: str | None) -> bool:
    """Return whether password is the one of that hash; without a hash it takes as long and is wrong."""
    if kept is None:
        bcrypt.hashpw(_key(pepper, password), bcrypt.gensalt(COST))
        return False
    if kept.startswith(_KEYED):
        return bcrypt.checkpw(_key(pepper, password), kept.removeprefix(_KEYED).encode())
    return _matches_plain(_normal(password), kept.encode())


def _matches_plain(password: bytes, kept: bytes) -> bool:
    is_right = bcrypt.checkpw(password[:_BCRYPT_BYTES], kept) and len(password) <= _BCRYPT_BYTES
    # The deployment's cost is lower. As much work as for any other account, or time would tell which this is.
    cost = int(kept.split(b"$")[2])
    for _repeated in range(2 ** max(0, COST - cost) - 1):
        bcrypt.hashpw(password[:_BCRYPT_BYTES], bcrypt.gensalt(cost))
    return is_right


def _key(pepper: str, password: str) -> bytes:
    return base64.b64encode(hmac.digest(pepper.encode(), _normal(password), hashlib.sha256))


def _normal(password: str) -> bytes:
    # Keyboards write the same character in different ways (NIST SP 800-63B section 3.1.1.2).
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def _is_common(password: str, username: str) -> bool:
    """Return whether password is a common word or the name, perhaps repeated, between digits and punctuation."""
    common = _common() | {username}
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
    parts = {core[:length] for length in range(1, len(core) + 1) if core == core[:length] * (len(core) // length)}
    return password in common or not core or not common.isdisjoint(parts)


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())
