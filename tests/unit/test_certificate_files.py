"""The operator's own PEM files: each fault is one sentence, before anything is made."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from components import certificate_files
from components.certificate_files import read_pair, read_roots, warning
from components.errors import SettingsError
from tests.certificates import PrivateAuthority, key_pem, new_key

NAMES = [f"{label}.example.com" for label in ("www", "cdn", "img", "app", "q", "t")]
AUTHORITY = PrivateAuthority()
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(certificate_files, "PROJECT_FOLDER", tmp_path)
    return tmp_path


def put(folder: Path, chain_pem: str, private_key_pem: str) -> None:
    (folder / "chain.pem").write_text(chain_pem)
    (folder / "key.pem").write_text(private_key_pem)


@pytest.mark.parametrize("names", [NAMES, ["*.example.com"]])
@pytest.mark.parametrize("key", [new_key(), rsa.generate_private_key(65537, 2048)], ids=["ecdsa", "rsa"])
def test_a_good_pair_is_read_as_it_is(folder: Path, names: list[str], key: rsa.RSAPrivateKey) -> None:
    made = AUTHORITY.pair(names, key=key)
    put(folder, made.chain_pem, made.private_key_pem)
    read = read_pair("chain.pem", "key.pem", NAMES, AUTHORITY.root_pem)
    assert (read.chain_pem, read.private_key_pem) == (made.chain_pem, made.private_key_pem)


def test_an_absolute_path_is_taken_as_it_is(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "root.pem"
    elsewhere.write_text(AUTHORITY.root_pem)
    assert read_roots(str(elsewhere)) == AUTHORITY.root_pem


def of_another_key(folder: Path) -> None:
    put(folder, AUTHORITY.pair(NAMES).chain_pem, key_pem(new_key()))


def encrypted(folder: Path) -> None:
    key = new_key()
    put(folder, AUTHORITY.pair(NAMES, key=key).chain_pem, key_pem(key, b"password"))


def without(part: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        made = AUTHORITY.pair(NAMES)
        put(folder, made.chain_pem, made.private_key_pem)
        (folder / part).write_text("nothing of PEM\n")
    return make


def with_key(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> Callable[[Path], None]:
    return lambda folder: put(folder, AUTHORITY.pair(NAMES, key=key).chain_pem, key_pem(key))


def pair(authority: PrivateAuthority, names: list[str], days: float) -> Callable[[Path], None]:
    made = authority.pair(names, days=days)
    return lambda folder: put(folder, made.chain_pem, made.private_key_pem)


@pytest.mark.parametrize(("make", "key", "fault"), [
    (lambda _: None, "tlsCertificateFile", "it cannot be read (No such file or directory)"),
    (without("chain.pem"), "tlsCertificateFile", "it holds no certificate in PEM form"),
    (without("key.pem"), "tlsKeyFile", "it holds no private key in PEM form"),
    (encrypted, "tlsKeyFile", "it is encrypted"),
    (of_another_key, "tlsKeyFile", "it is not the key of the first certificate in chain.pem"),
    (with_key(ed25519.Ed25519PrivateKey.generate()), "tlsKeyFile", "it is neither ECDSA nor RSA of 2048 bits"),
    (with_key(WEAK), "tlsKeyFile", "it is neither ECDSA nor RSA of 2048 bits"),
    (pair(AUTHORITY, NAMES[:5], 90), "tlsCertificateFile", "it does not cover t.example.com"),
    (pair(AUTHORITY, ["*.other.com"], 90), "tlsCertificateFile", "it does not cover www.example.com"),
    (pair(AUTHORITY, NAMES, -1), "tlsCertificateFile", "certificate has expired"),
    (pair(PrivateAuthority("another root"), NAMES, 90), "tlsCertificateFile", "clients cannot follow it to a root"),
])
def test_a_bad_pair_is_refused_with_its_file_its_fault_and_the_fix(
    folder: Path, make: Callable[[Path], None], key: str, fault: str,
) -> None:
    make(folder)
    with pytest.raises(SettingsError, match=re.escape(fault)) as refused:
        read_pair("chain.pem", "key.pem", NAMES, AUTHORITY.root_pem)
    assert str(refused.value).startswith(f"{key} is {'key' if key == 'tlsKeyFile' else 'chain'}.pem, but ")
    assert f"`pulumi config set {key} <file>`" in str(refused.value)
    assert "PRIVATE KEY" not in str(refused.value)


def test_without_roots_of_its_own_the_system_s_must_do(folder: Path) -> None:
    made = AUTHORITY.pair(NAMES)
    put(folder, made.chain_pem, made.private_key_pem)
    with pytest.raises(SettingsError, match="clients cannot follow it to a root that they trust"):
        read_pair("chain.pem", "key.pem", NAMES, None)


def test_roots_must_be_certificates(folder: Path) -> None:
    (folder / "roots.pem").write_text("none")
    with pytest.raises(SettingsError, match=r"tlsRootFile is roots\.pem, but it holds no certificate"):
        read_roots("roots.pem")


@pytest.mark.parametrize(("days_left", "warned"), [(13, True), (15, False)])
def test_an_end_within_fourteen_days_is_a_warning(days_left: int, warned: bool) -> None:
    end = datetime.now(UTC) + timedelta(days=90)
    sentence = warning(AUTHORITY.pair(NAMES, days=90).chain_pem, end - timedelta(days=days_left))
    assert (sentence is not None) is warned
    assert sentence is None or f"{end:%Y-%m-%d}" in sentence
