"""A certificate authority for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from components.authority import Leaf

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make an ECDSA key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key, password: bytes | None = None) -> str:
    """Return a key as PEM, encrypted if there is a password."""
    cipher = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher).decode()


class PrivateAuthority:
    """A root of its own, with a certificate for each who asks."""

    def __init__(self, name: str = "root of the tests") -> None:
        self.key = new_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._root = self._sign(self._builder(self._name, self.key, 365).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True))
        self.root_pem = self._root.public_bytes(serialization.Encoding.PEM).decode()

    def pair(self, names: Sequence[str | IPv4Address], *, days: float = 90, key: Key | None = None) -> Leaf:
        """Sign a certificate for names and addresses that ends after `days`, which may be past."""
        key = key or new_key()
        alternatives = [x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(name) for name in names]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        made = self._sign(self._builder(subject, key, days).add_extension(
            x509.SubjectAlternativeName(alternatives), critical=False))
        return Leaf(chain_pem=made.public_bytes(serialization.Encoding.PEM).decode(), private_key_pem=key_pem(key))

    def _builder(self, subject: x509.Name, key: Key, days: float) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days)))

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self.key, hashes.SHA256())


def serial(pem: str) -> int:
    """Return the serial number of the first certificate in a PEM text."""
    return x509.load_pem_x509_certificate(pem.encode()).serial_number
