"""Checks of certificates and of what the panel knows: as a client sees them, and before they end."""

import base64
import json
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from ... import certificates as authority
from ...docker import CADDY
from ...drift.record import Record, is_known
from ...errors import OperatorError
from ...panel import Panel
from ...target import ROOT
from ..words import printable, span
from . import names
from .findings import Case, Finding

# Caddy renews at a third of a lifetime; a sixth is late (admin/panel/engines/certificates.py judges alike).
_LATE = 6
_SOON = timedelta(days=14)
_WAIT_SECONDS = 5
# What is shown for a name: its certificate and those that follow it. It runs in the panel's container, by its Python.
_ASK = """
import base64, json, socket, ssl, sys
asked = json.load(sys.stdin)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
found = {}
for name in asked["names"]:
    try:
        with socket.create_connection((asked["address"], asked["port"]), 5) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secured:
                chain = secured.get_unverified_chain()
                found[name] = [base64.b64encode(entry).decode() for entry in chain]
    except OSError as error:
        found[name] = getattr(error, "reason", None) or error.strerror or str(error)
print(json.dumps(found))
"""


def check(case: Case) -> Iterator[Finding]:
    """Look for certificates that Caddy could not get, and at those that it shows."""
    if not case.runs("caddy"):
        return
    if sentence := authority.reason(case.engine.logs(CADDY)):
        yield Finding(check="certificates", name="certificate-refused", fault=sentence, fix="make up", subject="caddy")
    roots = _roots(case)
    if "admin" not in case.target.services:
        yield from _from_here(case, roots)
    for name, shown in _shown(case).items():
        if isinstance(shown, str):
            yield _found("certificate-missing", f"Caddy shows no certificate for {name}: {printable(shown)}.")
        elif shown:
            yield from judged(name, [base64.b64decode(text) for text in shown], roots, datetime.now(UTC))


def _from_here(case: Case, roots: list[bytes]) -> Iterator[Finding]:
    """Judge a further host's certificates from this machine: no container there has a program that can ask."""
    context = ssl.create_default_context(cadata=b"".join(roots) or None)
    place = urlsplit(case.target.docker_host).hostname or "", int(str(case.target.https_port))
    for name in names.of_server(case.target):
        try:
            with (socket.create_connection(place, _WAIT_SECONDS) as plain,
                  context.wrap_socket(plain, server_hostname=name) as secured):
                leaf = secured.getpeercert(binary_form=True)
        except ssl.SSLCertVerificationError as error:
            yield _found("certificate-untrusted",
                         f"Clients do not trust the certificate of {name}: {printable(error.verify_message)}.")
        except ssl.SSLError as error:
            yield _found("certificate-missing", f"Caddy shows no certificate for {name}: {printable(str(error))}.")
        except OSError:
            return  # this machine does not reach it, which says nothing of its certificates
        else:
            yield from judged(name, [leaf or b""], [], datetime.now(UTC))


def judged(name: str, chain: list[bytes], roots: list[bytes], now: datetime) -> Iterator[Finding]:
    """Judge what is shown for a name as a client does: its time, its names, and who signed it; all in DER."""
    # Here and not above: the other commands shall not wait for it.
    from cryptography import x509
    leaf, *between = map(x509.load_der_x509_certificate, chain)
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if ends <= now:
        yield _found("certificate-expired", f"The certificate of {name} ended {ends:%Y-%m-%d %H:%M} UTC.")
    elif begins > now:
        yield _found("certificate-early", f"The certificate of {name} holds only from {begins:%Y-%m-%d %H:%M} UTC on; "
                                          "one of the clocks is wrong.")
    elif not _is_for(leaf, name):
        yield _found("certificate-other-name", f"The certificate that is shown for {name} is not for that name.")
    else:
        if ends - now < min(_SOON, (ends - begins) / _LATE):
            yield _found("certificate-late", f"The certificate of {name} ends in {span(ends - now)}, and was not "
                                             "renewed.")
        yield from _of_trust(name, leaf, between, roots, now)


def _of_trust(name: str, leaf: Any, between: list[Any], roots: list[bytes], now: datetime) -> Iterator[Finding]:
    from cryptography import x509
    from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
    if not roots:
        return
    store = Store([x509.load_der_x509_certificate(root) for root in roots])
    try:
        PolicyBuilder().store(store).time(now).build_server_verifier(x509.DNSName(name)).verify(leaf, between)
    except VerificationError as error:
        yield _found("certificate-untrusted",
                     f"Clients do not trust the certificate of {name}: {printable(str(error))}.")


def panel(case: Case) -> Iterator[Finding]:
    """Ask the panel what it warns of."""
    if not case.runs("admin"):
        return
    try:
        overview = Panel(case.engine).call("GET", "/overview")
    except OperatorError as error:
        yield Finding(check="panel", name="panel-silent", fault=str(error), fix="ops restart admin", subject="admin")
        return
    looked = Record.read(case.target.stack)
    for warning in overview["warnings"]:
        # The panel begins its sentence with what it is about.
        subject = warning.partition(" ")[0]
        if subject in case.target.stopped or is_known(warning, looked):
            continue
        named = re.search(r"`((?:make|ops) [^`]+)`", warning)
        yield Finding(check="panel", name="panel-warns", fault=f"The panel warns: {printable(warning)}",
                      subject=subject if subject in case.target.services else "",
                      fix=named[1] if named else "ops logs admin 200")


def _is_for(leaf: Any, name: str) -> bool:
    from cryptography import x509
    try:
        names_of = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return any(name == own or (own.startswith("*.") and name.partition(".")[2] == own[2:])
               for own in names_of.get_values_for_type(x509.DNSName))


def _shown(case: Case) -> dict[str, Any]:
    """Return for each name the chain that Caddy shows, or why it shows none; asked from the panel's container."""
    places = (case.entries["caddy"]["NetworkSettings"].get("Networks") or {}) if "caddy" in case.entries else {}
    address = (places.get("stealth-vpn") or {}).get("IPAddress")
    if not address or not case.runs("admin"):
        return {}
    asked = {"address": address, "port": 443, "names": names.of_server(case.target)}
    done = case.engine.execute("stealth-admin", "/usr/bin/python3", "-I", "-S", "-c", _ASK, stdin=json.dumps(asked))
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 and done.stdout.startswith("{") else {}
    return found


def _roots(case: Case) -> list[bytes]:
    """Return what clients trust: our own authority, the operator's, or what this machine trusts."""
    if case.settings["tls"] == "internal":
        text = case.engine.text_of(CADDY, "/etc/stealth/ca.crt")
    elif case.settings["tlsRootFile"]:
        file = ROOT / str(case.settings["tlsRootFile"])
        text = file.read_text() if file.is_file() else ""
    else:
        return ssl.create_default_context().get_ca_certs(binary_form=True)
    return [ssl.PEM_cert_to_DER_cert(f"{part}-----END CERTIFICATE-----\n".lstrip())
            for part in text.split("-----END CERTIFICATE-----")[:-1]]


def _found(name: str, fault: str) -> Finding:
    return Finding(check="certificates", name=name, fault=fault, fix="ops logs caddy 200; docs/certificates.md",
                   subject="caddy")
