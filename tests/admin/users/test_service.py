from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from panel import users
from panel.audit import PANEL, broken_at
from panel.protocols import ENGINES, PROTOCOLS, engine_view
from panel.store.accounts import AuditEntry
from panel.store.database import Database
from panel.store.models import User
from panel.users import NewUser, UnknownUserError, UserChange, UserError, revisions
from tests.admin.users.facts import OPERATOR, SERVER


def make(database: Database, name: str = "alice") -> int:
    with database.write() as session:
        return users.create(session, OPERATOR, SERVER, NewUser(name=name)).id


def read(database: Database, user_id: int) -> User:
    with database.read() as session:
        return users.find(session, user_id)


def entries(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        assert broken_at(session) is None
        return list(session.execute(select(AuditEntry.action, AuditEntry.target).order_by(AuditEntry.id)))


def revision(database: Database) -> int:
    with database.read() as session:
        return revisions.current(session)


def test_a_new_store_gets_its_first_user_once(database: Database) -> None:
    with database.write() as session:
        users.start(session, SERVER)
    first = read(database, 1)
    assert (first.name, first.subscription_generation, first.status) == ("first", 1, "active")
    with database.write() as session:
        users.delete(session, PANEL, 1)
    with database.write() as session:
        users.start(session, SERVER)
        assert users.search(session, users.UserQuery()).total == 0


def test_a_user_is_known_to_every_engine_by_every_protocol(database: Database) -> None:
    user = read(database, make(database))
    views = {engine: engine_view(user, engine, SERVER) or {} for engine in ENGINES}
    assert {protocol: engine for engine, view in views.items() for protocol in view} == {
        name: protocol.engine for name, protocol in PROTOCOLS.items()}


def test_no_two_users_share_a_secret(database: Database) -> None:
    alice, bob = (read(database, make(database, name)) for name in ("alice", "bob"))
    told = [secret for user in (alice, bob) for engine in ENGINES
            for secret in (engine_view(user, engine, SERVER) or {}).values()]
    assert len(set(told)) == 2 * len(PROTOCOLS)


def test_a_name_is_taken_whatever_its_case_until_its_user_is_deleted(database: Database) -> None:
    taken = make(database, "Zoë")
    with pytest.raises(UserError, match="There is a user named Zoë already; choose") as refused, \
            database.write() as session:
        users.create(session, OPERATOR, SERVER, NewUser(name="ZOE\u0308"))
    assert refused.value.field == "name"
    with database.write() as session:
        users.delete(session, OPERATOR, taken)
    make(database, "ZOË")


def test_each_change_counts_the_revision_up_and_stands_in_the_audit_log(database: Database) -> None:
    user_id = make(database)
    changes: tuple[Callable[[Session], User], ...] = (
        lambda session: users.edit(session, OPERATOR, user_id, UserChange(note="pays monthly")),
        lambda session: users.switch(session, OPERATOR, user_id, False),
        lambda session: users.switch(session, OPERATOR, user_id, True),
        lambda session: users.reset_usage(session, OPERATOR, user_id),
        lambda session: users.revoke_link(session, OPERATOR, user_id),
        lambda session: users.renew_secrets(session, OPERATOR, user_id),
        lambda session: users.delete(session, OPERATOR, user_id),
    )
    for change in changes:
        before = revision(database)
        with database.write() as session:
            changed = change(session)
        assert revision(database) == changed.revision == before + 1
    assert [action for action, _ in entries(database)] == [
        "user.create", "user.edit", "user.disable", "user.enable", "user.reset_usage", "user.revoke_link",
        "user.renew_secrets", "user.delete"]
    assert {target for _, target in entries(database)} == {f"alice (user {user_id})"}


def test_a_refused_change_leaves_no_trace(database: Database) -> None:
    user_id = make(database)
    make(database, "bob")
    before = revision(database), entries(database)
    with pytest.raises(UserError), database.write() as session:
        users.edit(session, OPERATOR, user_id, UserChange(note="new", name="Bob"))
    assert (revision(database), entries(database)) == before
    assert read(database, user_id).note == ""


def test_a_deleted_user_keeps_no_secret_and_is_gone_when_all_engines_know(database: Database) -> None:
    user_id = make(database)
    with database.write() as session:
        deleted = users.delete(session, OPERATOR, user_id)
        assert (deleted.secrets, deleted.status) == ({}, "deleted")
        assert engine_view(deleted, "xray", SERVER) is None
    with pytest.raises(UnknownUserError):
        read(database, user_id)
    for known, left in ((deleted.revision - 1, 1), (deleted.revision, 0)):
        with database.write() as session:
            users.purge(session, known)
            assert len(session.scalars(select(User)).all()) == left


def test_an_id_is_never_given_again(database: Database) -> None:
    user_id = make(database)
    with database.write() as session:
        users.purge(session, users.delete(session, OPERATOR, user_id).revision)
    assert make(database) > user_id


def test_a_full_subnet_gives_users_without_wireguard_and_a_sentence(database: Database) -> None:
    tight = replace(SERVER, wireguard_subnet="10.0.0.0/29")
    with database.write() as session:
        made = [users.create(session, OPERATOR, tight, NewUser(name=name)) for name in ("a", "b", "c")]
    assert [user.wireguard_number for user in made] == [2, 4, None]
    assert engine_view(made[2], "wireguard", tight) is None
    assert engine_view(made[2], "trojan", tight)
    assert users.addresses.lack(made[0], tight) is None
    assert "c has no WireGuard, for 10.0.0.0/29 has no two" in str(users.addresses.lack(made[2], tight))
    with database.write() as session:
        users.start(session, SERVER)
        assert users.find(session, made[2].id).wireguard_number == 6
