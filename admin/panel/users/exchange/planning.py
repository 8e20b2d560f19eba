"""Decides what becomes of each user of a file, and finds what stands against it."""

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ...store.models import User
from .. import credentials
from ..text import name_key
from .documents import Fault
from .records import Record

OnClash = Literal["refuse", "skip", "replace"]
"""What becomes of a name that is there already."""


class Plan:
    """The records to add, and those that replace users, by the user's id."""

    def __init__(self, session: Session, found: list[Record], on_clash: OnClash) -> None:
        self._session = session
        self.new: list[Record] = []
        self.replacing: dict[int, Record] = {}
        self.skipped = 0
        self.faults: list[Fault] = []
        living = session.execute(select(User.id, User.name_key, User.secrets).where(User.deleted_at.is_(None))).all()
        self._place(found, {key: user_id for user_id, key, _ in living}, on_clash)
        self._check_secrets({word: "a user of the panel" for user_id, _, secrets in living
                             if self._keeps_secrets(user_id) for word in credentials.words(secrets)})

    def _place(self, found: list[Record], living: dict[str, int], on_clash: OnClash) -> None:
        lines: dict[str, int] = {}
        for record in found:
            key = name_key(record.columns["name"])
            if key in lines:
                self._refuse(record, f"The name stands at line {lines[key]} as well; rename or remove one of both.")
            elif key not in living:
                self.new.append(record)
            elif on_clash == "refuse":
                self._refuse(record, "There is a user of that name already; rename this one, or choose to skip or to "
                                     "replace.")
            elif on_clash == "skip":
                self.skipped += 1
            else:
                self.replacing[living[key]] = record
            lines.setdefault(key, record.line)

    def _keeps_secrets(self, user_id: int) -> bool:
        # A user who is replaced keeps what the file does not say.
        return user_id not in self.replacing or "secrets" not in self.replacing[user_id].columns

    def _check_secrets(self, owners: dict[str, str]) -> None:
        # Engines know users by these: of two with the same, one would be counted and cut for the other.
        for record in (*self.replacing.values(), *self.new):
            words = credentials.words(record.columns.get("secrets", {}))
            for word in words:
                if word in owners:
                    self._refuse(record, f"A secret is also that of {owners[word]}; remove it here, and a new one is "
                                         "made.", "secrets")
                    break
            owners |= dict.fromkeys(words, f"the user at line {record.line}")

    def _refuse(self, record: Record, sentence: str, field_name: str = "name") -> None:
        self.faults.append(
            Fault(line=record.line, name=record.columns["name"], field=field_name, sentence=sentence))
