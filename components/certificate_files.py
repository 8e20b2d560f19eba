"""The operator's own PEM files: reads them, and judges them as a client would before anything is made."""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .authority import Leaf
from .configs.plan import Plan
from .errors import SettingsError
from .settings import Settings

PROJECT_FOLDER = Path(__file__).parents[1]
LEAST_RSA_BITS = 2048
WARN_BEFORE = timedelta(days=14)
# What OpenSSL calls them (x509_vfy.h): X509_V_ERR_CERT_NOT_YET_VALID, _CERT_HAS_EXPIRED and _HOSTNAME_MISMATCH.
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME = 9, 10, 62


@dataclass(frozen=True, kw_only=True, repr=False)
class OwnFiles:
    """What the operator brings along; None where that is nothing."""

    roots: str | None = None
    """PEM of what clients must trust."""

    pair: Leaf | None = None


def read(settings: Settings, plan: Plan) -> OwnFiles:
    """Read and judge the files that `tls` makes use of; raises SettingsError on the first fault."""
    if settings.tls == "internal":
        return OwnFiles()
    roots = read_roots(settings.tls_root_file) if settings.tls_root_file else None
    if settings.tls == "acme":
        return OwnFiles(roots=roots)
    names = plan.names("www") if settings.mode == "minimal" else plan.names("www", "cdn", "img", "app", "q", "t")
    return OwnFiles(roots=roots, pair=read_pair(settings.tls_certificate_file, settings.tls_key_file, names, roots))


def read_roots(path: str) -> str:
    """Return the text of `tlsRootFile`, a path in the project or an absolute one; raises SettingsError."""
    text = _read("tlsRootFile", path)
    _certificates("tlsRootFile", path, text)
    return text


def read_pair(certificate: str, key: str, names: list[str], roots: str | None) -> Leaf:
    """Return the operator's certificate, with its chain, and its key; raises SettingsError on the first fault.

    Clients must be able to trust it for each of `names` by `roots`, or by the system's roots if there are none.
    """
    chain_pem, key_pem = _read("tlsCertificateFile", certificate), _read("tlsKeyFile", key)
    leaf = _certificates("tlsCertificateFile", certificate, chain_pem)[0]
    _check_key(key, key_pem, certificate, leaf)
    for name in names:
        try:
            _shake_hands(PROJECT_FOLDER / certificate, PROJECT_FOLDER / key, name, roots)
        except ssl.SSLError as refusal:
            _refuse("tlsCertificateFile", certificate, *_explained(refusal, name, names))
    return Leaf(chain_pem=chain_pem, private_key_pem=key_pem)


def warning(chain_pem: str, now: datetime) -> str | None:
    """Return a sentence if the certificate ends within 14 days of `now`."""
    end = x509.load_pem_x509_certificate(chain_pem.encode()).not_valid_after_utc
    if end - now >= WARN_BEFORE:
        return None
    return (f"the certificate of tlsCertificateFile ends on {end:%Y-%m-%d}. "
            "Put a new pair in its place and run `make up`.")


def _read(key: str, path: str) -> str:
    try:
        return (PROJECT_FOLDER / path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        _refuse(key, path, f"it cannot be read ({reason})", "Put a PEM file there")


def _certificates(key: str, path: str, text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        _refuse(key, path, "it holds no certificate in PEM form", "Put one there, with BEGIN CERTIFICATE above it")


def _check_key(path: str, text: str, certificate: str, leaf: x509.Certificate) -> None:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError:
        _refuse("tlsKeyFile", path, "it is encrypted", "Take its password off with `openssl pkey`")
    except ValueError:
        _refuse("tlsKeyFile", path, "it holds no private key in PEM form", "Put the certificate's key there")
    if not (isinstance(key, ec.EllipticCurvePrivateKey)
            or (isinstance(key, rsa.RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS)):
        _refuse("tlsKeyFile", path, f"it is neither ECDSA nor RSA of {LEAST_RSA_BITS} bits or more",
                "Have a certificate made for such a key")
    if key.public_key() != leaf.public_key():
        _refuse("tlsKeyFile", path, f"it is not the key of the first certificate in {certificate}",
                "Put the pair in place together, the server's own certificate first")


def _shake_hands(certificate: Path, key: Path, name: str, roots: str | None) -> None:
    """Be a client that asks a server with the pair for `name`, in memory; raises ssl.SSLError where one would."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cadata=roots)
    # Newer Pythons refuse private authorities without some extensions; Go, browsers and OpenSSL itself do not.
    client.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    visitor = client.wrap_bio(to_client, to_server, server_hostname=name)
    host = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (visitor, host, visitor):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()


def _explained(refusal: ssl.SSLError, name: str, names: list[str]) -> tuple[str, str]:
    if not isinstance(refusal, ssl.SSLCertVerificationError):
        return f"OpenSSL refuses it ({refusal.reason})", "Have another made"
    if refusal.verify_code == _OTHER_NAME:
        return f"it does not cover {name}", f"Put one there for {', '.join(names)}"
    if refusal.verify_code in (_EXPIRED, _NOT_YET_VALID):
        return str(refusal.verify_message), "Put a valid one there"
    return (f"clients cannot follow it to a root that they trust ({refusal.verify_message})",
            "Put the intermediate certificates below it, or the root of a private authority into tlsRootFile")


def _refuse(key: str, path: str, fault: str, fix: str) -> NoReturn:
    raise SettingsError(
        f"{key} is {path}, but {fault}. {fix}, or name another file with `pulumi config set {key} <file>`.")
