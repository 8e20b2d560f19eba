import io
from pathlib import Path

import pytest
import yaml

from ops.backup import archive, contents
from ops.docker import Engine
from ops.errors import OperatorError
from ops.stack import Stack
from tests.certificates import PrivateAuthority
from tests.ops.backup import fakes

AUTHORITY = PrivateAuthority()
FIRST, SECOND = AUTHORITY.pair(["www.example.com"]), AUTHORITY.pair(["www.example.com"])
NAME = "data/caddy/certificates/acme/www.example.com/www.example.com"


def copy(certificate: str, key: str) -> bytes:
    return fakes.tar({f"{NAME}.crt": certificate.encode(), f"{NAME}.key": key.encode(), f"{NAME}.json": b"{}",
                      "data/caddy/acme/account.key": b"an account's"})


WHOLE = copy(FIRST.chain_pem, FIRST.private_key_pem)
BETWEEN = copy(FIRST.chain_pem, SECOND.private_key_pem)


@pytest.mark.parametrize(("tar", "unfit"), [
    (WHOLE, []), (BETWEEN, ["www.example.com.crt"]), (copy(FIRST.chain_pem, ""), ["www.example.com.crt"]),
    (copy("", FIRST.private_key_pem), ["www.example.com.crt"]), (fakes.tar({}), []),
    (fakes.tar({"data/caddy/pki/authorities/local/root.crt": b"of an authority whose key is elsewhere"}), [])])
def test_a_certificate_without_its_own_key_is_found(tar: bytes, unfit: list[str]) -> None:
    assert list(contents.unfit_pairs(tar)) == unfit


def test_a_copy_from_the_middle_of_a_renewal_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = [BETWEEN, BETWEEN, WHOLE]
    monkeypatch.setattr(Engine, "copied_out", lambda *_: fakes.done(0, copies.pop(0)))
    assert contents.caddy(Engine("")) == WHOLE


@pytest.mark.parametrize(("answer", "said"), [
    (fakes.done(0, BETWEEN), r"www\.example\.com\.crt and its key do not belong together"),
    (fakes.done(1, b"", b"Error: No such container: stealth-caddy"), r"cannot be read: .*No such container.*make up")])
def test_certificates_that_cannot_be_had_end_the_backup(
    monkeypatch: pytest.MonkeyPatch, answer: object, said: str,
) -> None:
    monkeypatch.setattr(Engine, "copied_out", lambda *_: answer)
    with pytest.raises(OperatorError, match=said):
        contents.caddy(Engine(""))


def project(folder: Path, **values: str) -> None:
    (folder / "Pulumi.yaml").write_text(Path("Pulumi.yaml").read_text())
    config = {f"stealth-vpn:{key}": value for key, value in values.items()}
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump({"config": config}))


def test_the_operator_s_files_are_those_that_the_configuration_names(tmp_path: Path) -> None:
    outside = tmp_path / "outside.key"
    root = tmp_path / "project"
    (root / "site" / "deep").mkdir(parents=True)
    project(root, siteDir="site", tlsKeyFile=str(outside), tlsCertificateFile="own.pem", tlsRootFile="missing.pem")
    for file in (outside, root / "own.pem", root / "other.pem", root / "site" / "deep" / "index.html"):
        file.write_text("x")
    assert contents.files("local", root) == {
        "Pulumi.local.yaml": root / "Pulumi.local.yaml", str(outside): outside, "own.pem": root / "own.pem",
        "site/deep/index.html": root / "site" / "deep" / "index.html"}


def gathered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> archive.Contents:
    engine = fakes.docker(tmp_path, monkeypatch, script)
    monkeypatch.setattr(Stack, "call", lambda *_: '{"deployment": {}}')
    monkeypatch.setattr(contents, "files", lambda _: {})
    monkeypatch.setattr(contents, "caddy", lambda _: WHOLE)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "short")
    stream = io.BytesIO()
    about = archive.About(stack="local", made_at="", domain="", version="")
    contents.gather(Stack("local", print), engine, archive.Writer(stream, about))
    return archive.read(io.BytesIO(stream.getvalue()))


def test_the_panel_s_copy_of_its_store_is_what_is_backed_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = gathered(monkeypatch, tmp_path, """
assert words == ["exec", "stealth-admin", "/app/venv/bin/python", "/app/snapshot.py"]
sys.stdout.buffer.write(b"300000\\n" + bytes(300000))""")
    assert found.store_bytes == 300_000
    assert found.files == {archive.STATE: b'{"deployment": {}}', archive.PASSPHRASE: b"short", archive.CADDY: WHOLE}


@pytest.mark.parametrize(("script", "said"), [
    ("sys.exit('No such container: stealth-admin')", r"cannot be copied: No such container: stealth-admin\. Run `make"),
    ("print('The store is damaged.', file=sys.stderr); sys.exit(1)", r"cannot be copied: The store is damaged\."),
    ("sys.stdout.write('10\\nshort')", r"was not copied to its end"),
    ("sys.stdout.write('2\\nok'); sys.stdout.flush(); sys.exit('late')", r"cannot be copied: late\."),
    ("", r"cannot be copied: no reason was given")])
def test_a_store_that_cannot_be_had_whole_ends_the_backup(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, said: str,
) -> None:
    with pytest.raises(OperatorError, match=said):
        gathered(monkeypatch, tmp_path, script)


def test_a_backup_says_what_it_is_of() -> None:
    made = contents.about("local")
    assert (made.stack, made.domain, made.format) == ("local", "stealth.test", archive.FORMAT)
    assert made.made_at.endswith("+00:00")
