"""Where the state is, what encrypts it, and what Pulumi's words mean to an operator."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from ops import backend, locks
from ops.errors import OperatorError
from ops.locks import Lock, Locking
from ops.stack import Stack
from tests.ops.test_stack import dead_pid

# As Pulumi 3.259.0 says it; the addresses are examples.
LOCKED = ("SDK 2026/11/30 16:05:30 WARN Response has no supported checksum. Not validating response payload.\n"
          "error: the stack is currently locked by {count} lock(s). Either wait for the other process(es) to end or "
          "delete the lock file with `pulumi cancel`.\n")
LOCK = ("  s3://state/vpn/.pulumi/locks/organization/stealth-vpn/prod/abc.json?endpoint=http%3A%2F%2F127.0.0.1%3A9: "
        "created by root@{machine} (pid {pid}) at {at}\n")
S3 = 'error: read ".pulumi/meta.yaml": blob (key ".pulumi/meta.yaml") (code=Unknown): operation error S3: GetObject, '
FAULTS = {
    "there is no such bucket":
        "error: error listing stacks: could not list bucket: blob (code=NotFound): operation error S3: ListObjectsV2, "
        "https response error StatusCode: 404, NoSuchBucket: The specified bucket does not exist",
    "it does not answer":
        S3 + "exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , HostID: , "
        'request send failed, Get "http://127.0.0.1:39112/": dial tcp 127.0.0.1:39112: connect: connection refused',
    "it answers with a fault of its own":
        S3 + "exceeded maximum number of attempts, 3, https response error StatusCode: 500, RequestID: 1, HostID: 2, "
        "api error InternalError: We encountered an internal error. Please try again.",
    "no credentials for it are here":
        S3 + "get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, operation "
        "error ec2imds: GetMetadata, http response error StatusCode: 403, request to EC2 IMDS failed",
    "it refuses these credentials":
        S3 + "https response error StatusCode: 403, RequestID: , HostID: , api error InvalidAccessKeyId: The Access "
        "Key Id you provided does not exist in our records.",
    "Pulumi knows no such place":
        "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
}


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state/vpn")


@pytest.mark.parametrize("meaning", FAULTS)
@pytest.mark.usefixtures("shared")
def test_a_state_that_cannot_be_had_is_told_in_one_sentence_with_its_address(meaning: str) -> None:
    said = backend.explained(FAULTS[meaning], "prod")
    assert said.startswith(f"the state at s3://state/vpn cannot be had: {meaning}")
    assert "\n" not in said


@pytest.mark.usefixtures("shared")
def test_what_is_no_fault_of_the_state_is_not_taken_for_one() -> None:
    assert backend.explained("error: no stack named 'prod' found", "prod") == ""


def test_a_state_in_a_folder_keeps_pulumi_s_own_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    assert backend.explained("error: dial tcp: connection refused", "prod") == ""


def test_a_database_s_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "postgres://deploy:hidden@db.example.com/pulumi")
    assert "hidden" not in backend.explained("connection refused", "prod")
    assert backend.address() == "postgres://deploy:***@db.example.com/pulumi"


@pytest.mark.parametrize(("text", "provider"), [
    ("config: {}\n", "passphrase"), ("secretsprovider: passphrase\nconfig: {}\n", "passphrase"),
    ("secretsprovider: default\nconfig: {}\n", "passphrase"),
    ("secretsprovider: hashivault://stealth\nconfig: {}\n", "hashivault://stealth")])
def test_what_encrypts_is_read_from_the_stack_s_file(tmp_path: Path, text: str, provider: str) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    assert backend.secrets_provider("prod", tmp_path) == provider
    assert backend.secrets_provider("another", tmp_path) == "passphrase"


def test_a_key_that_cannot_be_used_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "secrets_provider", lambda _: "hashivault://stealth")
    said = backend.explained("error: could not create secrets manager for new stack: neither VAULT_SERVER_URL nor "
                             "VAULT_ADDR environment variables are set", "prod")
    assert said.startswith("the key hashivault://stealth, which encrypts the secrets of stack prod, cannot be used: ")
    assert "VAULT_ADDR environment variables are set. See docs/state.md" in said


def words(*held: tuple[int, str], at: str = "2026-11-30T16:00:00Z") -> str:
    return LOCKED.format(count=len(held)) + "".join(
        LOCK.format(pid=pid, machine=machine, at=at) for pid, machine in held)


def test_locks_are_read_from_pulumi_s_own_words() -> None:
    (mine, other) = locks.told(words((7, socket.gethostname()), (8, "runner")))
    assert (mine.pid, mine.is_here, other.is_here) == (7, True, False)
    assert other.holder == "process 8 of root@runner since 2026-11-30 16:00 UTC"
    assert locks.told("error: a stack named prod already exists") == []


def test_a_lock_s_own_process_is_not_younger_than_the_lock_that_was_cut_to_a_second() -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    # Of a process that began in the same second as its lock.
    (lock,) = locks.told(words((os.getpid(), socket.gethostname()), at="2200-01-01T00:00:00+01:00"))
    assert not lock.is_dead
    (dead,) = locks.told(words((dead_pid(), socket.gethostname()), at=at))
    assert dead.is_dead


def locking(*found: list[Lock]) -> tuple[Locking, list[str]]:
    """Locks as they are found one time after another, the last for ever, and what was shown and done."""
    answers, said = list(found), list[str]()
    return Locking("prod", lambda: answers.pop(0) if len(answers) > 1 else answers[0], said.append,
                   cancel=lambda: said.append("cancel"), is_far=True), said


def held(pid: int, machine: str = "") -> Lock:
    return Lock(place="s3://state", machine=machine or socket.gethostname(), pid=pid, made_at=time.time(), user="root")


def test_the_far_lock_of_a_dead_run_is_cancelled_by_pulumi() -> None:
    made, said = locking([held(dead_pid())], [])
    made.free()
    assert said == ["A former run was ended by force; its lock is taken away.", "cancel"]


def test_a_far_lock_that_may_be_in_use_keeps_the_dead_one_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_LOCK_SECONDS", 0)
    made, said = locking([held(dead_pid()), held(5, "runner")])
    made.break_dead()
    assert said == []
    made.free()
    assert "cancel" not in said


def test_the_end_of_a_run_on_another_machine_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    made, said = locking([held(5, "runner")], [held(5, "runner")], [])
    made.free()
    assert (len(said), naps) == (1, [2.0, 2.0])


@pytest.mark.usefixtures("shared")
def test_what_a_living_run_makes_is_not_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "locks", lambda _: [held(5, "runner")])
    monkeypatch.setattr(Stack, "has_pending_operations", lambda _: True)
    monkeypatch.setattr(Stack, "call", lambda *_: pytest.fail("the state was asked for"))
    with pytest.raises(OperatorError, match=r"locked by process 5 of root@runner .* pulumi cancel --yes --stack prod"):
        Stack("prod", lambda _: None).repair(object())  # type: ignore[arg-type]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(("pending", "found"), [([], False), ([{"type": "creating"}], True)])
def test_a_state_elsewhere_is_asked_for_what_was_cut_short(
    monkeypatch: pytest.MonkeyPatch, pending: list[object], found: bool,
) -> None:
    monkeypatch.setattr(Stack, "call", lambda *_: json.dumps({"deployment": {"pending_operations": pending}}))
    assert Stack("prod", lambda _: None).has_pending_operations() is found
