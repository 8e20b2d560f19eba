import base64
import dataclasses
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from panel import PanelConfig
from panel.audit import Actor
from panel.config import ServerFacts
from panel.store.database import Database
from panel.store.models import User
from panel.subscriptions import resolve, token, url
from panel.users import NewUser, create, delete, revoke_link
from tests.admin.subscriptions.people import user

OPERATOR = Actor(name="olga", address="192.0.2.7")


@pytest.fixture
def stored(database: Database, config: PanelConfig) -> User:
    with database.write() as session:
        return create(session, OPERATOR, config.server, NewUser(name="alice"))


def found(config: PanelConfig, database: Database, text: str) -> int | None:
    with database.read() as session:
        user = resolve(config, session, text)
        return user.id if user else None


def test_a_token_leads_back_to_its_user(config: PanelConfig, database: Database, stored: User) -> None:
    assert found(config, database, token(config, stored)) == stored.id


def test_a_token_is_made_as_the_deployment_makes_the_first_user_s(config: PanelConfig) -> None:
    subject = (1).to_bytes(8, "big") + (1).to_bytes(4, "big")
    signature = hmac.digest(config.subscription_key.encode(), subject, hashlib.sha256)[:20]
    assert token(config, user(id=1)) == base64.urlsafe_b64encode(subject + signature).decode().rstrip("=")


def test_the_address_is_the_site_s_and_below_the_secret_path(config: PanelConfig, server: ServerFacts) -> None:
    made = user()
    assert url(config, made) == f"https://www.example.com{config.subscription_path}/{token(config, made)}"
    moved = dataclasses.replace(config, server=dataclasses.replace(server, port=8443))
    assert url(moved, made).startswith("https://www.example.com:8443/")


def test_links_of_the_former_key_are_good_while_there_is_one(
    config: PanelConfig, database: Database, stored: User,
) -> None:
    former = token(config, stored)
    rotated = dataclasses.replace(config, subscription_key="k" * 32)
    overlapping = dataclasses.replace(rotated, former_subscription_key=config.subscription_key)
    assert token(overlapping, stored) != former
    assert {found(overlapping, database, text) for text in (former, token(overlapping, stored))} == {stored.id}
    assert found(rotated, database, former) is None


def test_a_server_without_clients_has_no_addresses(config: PanelConfig) -> None:
    with pytest.raises(ValueError, match="minimal mode"):
        url(dataclasses.replace(config, server=None), user())


def test_a_revoked_link_leads_nowhere_and_its_successor_does(
    config: PanelConfig, database: Database, stored: User,
) -> None:
    old = token(config, stored)
    with database.write() as session:
        new = token(config, revoke_link(session, OPERATOR, stored.id))
    assert (found(config, database, old), found(config, database, new)) == (None, stored.id)


def test_a_deleted_user_s_link_leads_nowhere(config: PanelConfig, database: Database, stored: User) -> None:
    with database.write() as session:
        delete(session, OPERATOR, stored.id)
    assert found(config, database, token(config, stored)) is None


def test_a_token_of_another_key_leads_nowhere(config: PanelConfig, database: Database, stored: User) -> None:
    foreign = dataclasses.replace(config, subscription_key="another-key-of-at-least-32-characters")
    assert found(config, database, token(foreign, stored)) is None


def test_every_changed_character_makes_it_another(config: PanelConfig, database: Database, stored: User) -> None:
    right = token(config, stored)
    for place in range(len(right)):
        # "B" and "C" differ in bits that base64 carries at any place but the last, where they may be the same bytes.
        other = "B" if right[place] != "B" else "C"
        assert found(config, database, right[:place] + other + right[place + 1:]) is None, place


def test_another_spelling_of_the_same_bytes_is_another_token(
    config: PanelConfig, database: Database, stored: User,
) -> None:
    right = token(config, stored)
    spellings = [right[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                 if base64.urlsafe_b64decode(right[:-1] + last + "=") == base64.urlsafe_b64decode(right + "=")]
    assert len(spellings) == 4
    assert [text for text in [*spellings, right + "=", right + "\n", " " + right]
            if found(config, database, text) is not None] == [right]


class NobodyAsked(Session):
    """A store that must not be asked."""

    def get(self, *_: object, **__: object) -> None:
        """Fail."""
        raise AssertionError("the store was asked")


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(min_size=32, max_size=32).map(
    lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")))
def test_the_store_is_not_asked_for_what_we_did_not_sign(text: str) -> None:
    # So neither the time nor anything else tells whether a user of that id exists.
    assert resolve(KEY_ONLY, NobodyAsked(), text) is None


class KeyOnly:
    """A configuration that holds what a token needs."""

    subscription_keys = ("short-lived-subscription-key-of-the-tests",)


KEY_ONLY: PanelConfig = KeyOnly()  # type: ignore[assignment] # fixtures and hypothesis do not go together
