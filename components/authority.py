"""The server's own certificate authority, for stacks whose `tls` is `internal`.

It is derived from a seed: the same seed gives the same bytes, so `pulumi preview` stays empty and clients
keep trusting it after a rebuild. It may sign names of the server's domain only (RFC 5280 section 4.2.1.10),
so that whoever steals the key cannot pose as another site to the clients that trust it.
"""

import datetime
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .keys import derive, purpose_of

# Fixed, for a validity counted from "now" would be another certificate at each run.
_NOT_BEFORE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER = datetime.datetime(2046, 1, 1, tzinfo=datetime.UTC)
# Order of the group of P-256 (SEC 2 version 2, section 2.4.2).
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, kw_only=True, repr=False)
class Leaf:
    """A certificate with its chain and its key, both PEM."""

    chain_pem: str
    private_key_pem: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Authority:
    """A certificate authority for one domain."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey
    seed: str

    @classmethod
    def from_seed(cls, seed: str, domain: str, generation: int = 1) -> Self:
        """Derive the authority of `domain`, of a generation of its secret (decision 0030)."""
        if generation > 1:
            seed = derive(seed, purpose_of("authority", generation)).hex()
        key = _private_key(seed, f"authority|{domain}")
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{domain} root")])
        builder = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(x509.NameConstraints([x509.DNSName(domain)], None), critical=True)
            .add_extension(_AUTHORITY_USAGE, critical=True)
        )
        return cls(certificate=_sign(builder, key), private_key=key, seed=seed)

    @property
    def certificate_pem(self) -> str:
        """The root certificate; public, clients trust it."""
        return _pem(self.certificate)

    @property
    def private_key_pem(self) -> str:
        """The root's key, in SEC 1 form, which Caddy reads."""
        return _key_pem(self.private_key)

    def leaf(self, names: list[str]) -> Leaf:
        """Sign a server certificate for `names`, the first of them its subject."""
        key = _private_key(self.seed, f"leaf|{'|'.join(names)}")
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = (
            _builder(subject, self.certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(alternatives, critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        return Leaf(chain_pem=_pem(_sign(builder, self.private_key)) + self.certificate_pem,
                    private_key_pem=_key_pem(key))


_AUTHORITY_USAGE = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    raw = public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    # RFC 5280 section 4.1.2.2: positive and at most 20 octets.
    serial = int.from_bytes(hashlib.sha256(raw).digest()[:16]) >> 1
    return (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(issuer).public_key(public_key).serial_number(serial)
        .not_valid_before(_NOT_BEFORE).not_valid_after(_NOT_AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _private_key(seed: str, purpose: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(derive(seed, purpose) + derive(seed, f"{purpose}|more", 8))
    return ec.derive_private_key(number % (_P256_ORDER - 1) + 1, ec.SECP256R1())


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # RFC 6979: the usual random nonce would make another signature at each run.
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption()).decode()
