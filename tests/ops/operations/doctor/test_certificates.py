"""What is found of certificates, made here as an authority would make them, and of the panel."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ops.docker import Engine
from ops.operations.doctor import certificates
from ops.operations.doctor.certificates import judged
from tests.ops.operations.fakes import FakeEngine

NOW = datetime(2026, 11, 30, tzinfo=UTC)
REFUSED = json.dumps({"msg": "could not get certificate from issuer", "identifier": "www.example.com",
                      "error": "connection refused"})


class Authority:
    """Signs certificates."""

    def __init__(self, name: str) -> None:
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), x509.Name([
            x509.NameAttribute(NameOID.COMMON_NAME, name)])
        identity = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.root = self._made(self.name, self.key.public_key(), -3650, 3650).add_extension(
            x509.BasicConstraints(True, 0), True).add_extension(usage, True).add_extension(
            identity, False).sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def leaf(self, begins: float, ends: float, *names: str) -> bytes:
        """Return a certificate that holds between two days from NOW on."""
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        subject = x509.Name([])
        return self._made(subject, key, begins, ends).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), True).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False).sign(
            self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _made(self, subject: x509.Name, key: Any, begins: float, ends: float) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(self.name, subject, key, x509.random_serial_number(),
                                       NOW + timedelta(days=begins), NOW + timedelta(days=ends))


OURS, THEIRS = Authority("ours"), Authority("theirs")


def names(chain: list[bytes], roots: list[bytes]) -> Iterator[str]:
    return (finding.name for finding in judged("www.vpn.org", chain, roots, NOW))


@pytest.mark.parametrize(("begins", "ends", "named"), [
    (-1, 89, "www.vpn.org"), (-1, 89, "*.vpn.org"), (-0.1, 0.4, "www.vpn.org")])
def test_a_good_certificate_is_no_fault(begins: float, ends: float, named: str) -> None:
    assert [*names([OURS.leaf(begins, ends, named)], [THEIRS.root, OURS.root])] == []


@pytest.mark.parametrize(("begins", "ends", "named", "name"), [
    (-90, -1, "www.vpn.org", "certificate-expired"), (1, 90, "www.vpn.org", "certificate-early"),
    (-80, 10, "www.vpn.org", "certificate-late"), (-0.5, 0.08, "www.vpn.org", "certificate-late"),
    (-1, 89, "cdn.vpn.org", "certificate-other-name"), (-1, 89, "*.org", "certificate-other-name")])
def test_a_certificate_that_clients_refuse_or_soon_will_is_found(
    begins: float, ends: float, named: str, name: str,
) -> None:
    assert [*names([OURS.leaf(begins, ends, named)], [OURS.root])] == [name]


def test_a_certificate_of_an_authority_that_nobody_trusts_is_found() -> None:
    assert [*names([THEIRS.leaf(-1, 89, "www.vpn.org")], [OURS.root])] == ["certificate-untrusted"]


def test_what_cannot_be_had_and_what_the_panel_warns_of_is_found(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    well.overview = {"certificates": [], "warnings": ["The audit log was changed."]}
    monkeypatch.setattr(Engine, "logs", lambda *_: REFUSED)
    assert [item["name"] for item in found()] == ["certificate-refused", "panel-warns"]
    assert found()[1]["fault"] == "The panel warns: The audit log was changed."


def test_a_certificate_that_the_panel_cannot_see_is_no_fault_of_its_own(
    well: FakeEngine, found: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(certificates, "_shown", lambda _: {"www.stealth.test": "timed out"})
    assert [item["name"] for item in found()] == ["certificate-missing"]
    well.faults["caddy"] = "connection refused"
    assert [item["name"] for item in found()] == ["check-fails"]


def test_what_the_panel_misses_of_a_service_that_is_ill_is_told_once(well: FakeEngine, found: Any) -> None:
    well.overview["warnings"] = ["xray lacks changes of users."]
    assert [item["name"] for item in found()] == ["panel-warns"]
    well.entries["xray"]["State"]["Status"] = "paused"
    assert [item["name"] for item in found()] == ["container-paused"]
