"""Tables of those who sign in to the panel, of what they may do, and of what was done."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .models import Base


class Account(Base):
    """Who signs in to the panel."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    """owner, operator or reader."""

    password_hash: Mapped[str] = mapped_column(Text)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    """The password was given, not chosen, and serves for choosing another one only."""

    password_expires_at: Mapped[datetime | None]
    """End of a given password that was never used."""

    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_last_step: Mapped[int] = mapped_column(default=0)
    """The 30-second step of the last code that was taken; no code serves twice (RFC 6238 section 5.2)."""

    recovery_hashes: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_disabled: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(String(8), default="")
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]


class SignIn(Base):
    """A server-side session; the cookie holds a random word, of which this has the SHA-256."""

    __tablename__ = "sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    awaits_code: Mapped[bool] = mapped_column(default=False)
    """The password was right, and the second factor is still to be shown; until then it opens nothing."""

    values: Mapped[dict[str, Any]]
    address: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class KnownAddress(Base):
    """An address that an account has signed in from, and that strangers' guesses do not slow down."""

    __tablename__ = "known_addresses"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    network: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The IPv4 address, or the /64 of an IPv6 one."""

    seen_at: Mapped[datetime]


class Token(Base):
    """An API token, shown once and kept as SHA-256."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Throttle(Base):
    """Attempts of an account, an address or both together, and until when the next one waits."""

    __tablename__ = "throttles"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime]
    waits_until: Mapped[datetime]


class AuditEntry(Base):
    """What was done, by whom, from where; each entry holds the hash of the one before it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(96))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(128))
    detail: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
