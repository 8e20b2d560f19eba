"""The second factor: codes by time (TOTP, RFC 6238) and codes on paper for when the telephone is gone."""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime

import pyotp

from ..store.accounts import Account

_STEP_SECONDS = 30
# One step before and after, for clocks that are not quite right (RFC 6238 section 6).
_WINDOW = (-1, 0, 1)
_RECOVERY_CODES = 10
# 120 bits, so that a fast hash is enough (ASVS 5.0, 6.5.2).
_RECOVERY_BYTES = 15
_RECOVERY_LETTERS = _RECOVERY_BYTES * 8 // 5


def new_secret() -> str:
    """Make a secret of 160 bits in base32, as programs for codes take it."""
    return pyotp.random_base32()


def uri(secret: str, username: str, issuer: str) -> str:
    """Return what a program for codes reads (github.com/google/google-authenticator/wiki/Key-Uri-Format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def accept_code(account: Account, code: str, now: datetime) -> bool:
    """Take a code by time, once; must be called in the transaction that has read account for an update."""
    return account.totp_secret is not None and _step_of(account, account.totp_secret, code, now)


def accept_first_code(account: Account, secret: str, code: str, now: datetime) -> bool:
    """Take a code of a secret that is not yet account's, for it shows that the program for codes has it."""
    return _step_of(account, secret, code, now)


def new_recovery_codes(pepper: str, account: Account) -> list[str]:
    """Give account other codes on paper; they are returned this once."""
    codes = [base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(_RECOVERY_CODES)]
    account.recovery_hashes = [_hash(pepper, code) for code in codes]
    return ["-".join(code[start:start + 4] for start in range(0, len(code), 4)) for code in codes]


def is_on_paper(code: str) -> bool:
    """Return whether this can be a code on paper and so none of a telephone."""
    return len(_letters(code)) == _RECOVERY_LETTERS


def accept_recovery_code(peppers: Sequence[str], account: Account, code: str) -> bool:
    """Take a code on paper, once; must be called in the transaction that has read account for an update."""
    wanted = [_hash(pepper, _letters(code)) for pepper in peppers]
    rest = [kept for kept in account.recovery_hashes
            if not any(hmac.compare_digest(kept, hashed) for hashed in wanted)]
    was_there = len(rest) < len(account.recovery_hashes)
    account.recovery_hashes = rest
    return was_there


def _step_of(account: Account, secret: str, code: str, now: datetime) -> bool:
    typed = _digits(code).encode()
    step = int(now.timestamp()) // _STEP_SECONDS
    for candidate in (step + offset for offset in _WINDOW):
        # No code twice (RFC 6238 section 5.2), nor one from before the last that was taken.
        is_fresh = candidate > account.totp_last_step
        if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(candidate).encode(), typed) and is_fresh:
            account.totp_last_step = candidate
            return True
    return False


def _letters(code: str) -> str:
    return "".join(code.lower().replace("-", "").split())


def _digits(code: str) -> str:
    """Return the code as ASCII digits; Persian and Arabic keyboards write others."""
    return "".join(str(unicodedata.decimal(character, "?")) for character in code if not character.isspace())


def _hash(pepper: str, code: str) -> str:
    return hmac.new(pepper.encode(), b"recovery|" + code.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
