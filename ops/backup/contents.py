"""What a backup of a server is made of, and where each part comes from (decision 0027).

Everything else of a server follows from these: containers, networks, rendered files and keys are made of the state's
seeds and the configuration, and the engines get their users from the panel.
"""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ..docker import CADDY as CADDY_CONTAINER
from ..docker import Engine, last_line
from ..errors import OperatorError
from ..panel import CONTAINER as PANEL_CONTAINER
from ..stack import Stack
from ..target import ROOT, settings
from . import archive

SNAPSHOT = ("/app/venv/bin/python", "/app/snapshot.py")
_OWN_FILES = ("tlsCertificateFile", "tlsKeyFile", "tlsRootFile")
_TRIES = 5
# Here a certificate and its key have one name (github.com/caddyserver/certmagic storage.go).
_CERTIFICATES = "data/caddy/certificates/"


def about(stack: str) -> archive.About:
    """Return what a backup of that stack says of itself."""
    described = subprocess.run(  # noqa: S603 - fixed words
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],  # noqa: S607 - the system's own
        capture_output=True, text=True, check=False)
    return archive.About(stack=stack, made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                         domain=str(settings(stack).get("domain", "")), version=described.stdout.strip())


def gather(stack: Stack, engine: Engine, writer: archive.Writer) -> None:
    """Write everything of a running server; raises OperatorError when a part of it cannot be had."""
    writer.add(archive.STATE, stack.call("stack", "export").encode())
    if phrase := passphrase(stack):
        writer.add(archive.PASSPHRASE, phrase.encode())
    for name, file in sorted(files(stack.name).items()):
        writer.add(archive.FILES + name, _content(file))
    writer.add(archive.CADDY, caddy(engine))
    _add_store(engine, writer)
    writer.finish()


def passphrase(stack: Stack) -> str:
    """Return what encrypts the state's secrets, from wherever it is; empty with a key service."""
    return os.environ.get("PULUMI_CONFIG_PASSPHRASE") or stack.passphrase()


def files(stack: str, root: Path = ROOT) -> dict[str, Path]:
    """Return the operator's own files by their paths from the project, or absolute ones: what the configuration names.

    What an absent file does to a deploy the program itself says.
    """
    values = settings(stack, root)
    named = [f"Pulumi.{stack}.yaml", *(str(values[key]) for key in _OWN_FILES if values[key])]
    found = {name: root / name for name in named if (root / name).is_file()}
    if values["siteDir"]:
        site = root / str(values["siteDir"])
        found |= {path.relative_to(root).as_posix(): path for path in site.rglob("*") if path.is_file()}
    return found


def caddy(engine: Engine) -> bytes:
    """Return Caddy's certificates and accounts as a tar of its folder /data, in which each pair fits together.

    Caddy writes each file at once but the files of a certificate one after the other.
    """
    for _ in range(_TRIES):
        done = engine.copied_out(CADDY_CONTAINER, "/data")
        if done.returncode != 0:
            raise OperatorError(f"Caddy's certificates cannot be read: {last_line(done.stderr.decode())}. "
                                "Run `make up`, and try again.")
        if not (unfit := next(unfit_pairs(done.stdout), "")):
            return done.stdout
    raise OperatorError(f"Caddy's certificate {unfit} and its key do not belong together. "
                        "Look at `make logs-caddy`, and try again.")


def unfit_pairs(tar: bytes) -> Iterator[str]:
    """Yield the names of certificates whose key is another's or is not there."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archived:
        texts: dict[str, bytes] = {}
        for entry in archived:
            if entry.isfile() and entry.name.startswith(_CERTIFICATES) and entry.name.endswith((".crt", ".key")):
                stream = archived.extractfile(entry)
                texts[entry.name] = stream.read() if stream else b""
    for name, text in texts.items():
        if name.endswith(".crt") and not _fits(text, texts.get(f"{name.removesuffix('.crt')}.key", b"")):
            yield Path(name).name


def _fits(certificate: bytes, key: bytes) -> bool:
    try:
        return x509.load_pem_x509_certificate(certificate).public_key() == load_pem_private_key(key, None).public_key()
    except ValueError:
        return False


def _add_store(engine: Engine, writer: archive.Writer) -> None:
    """Add the panel's own copy of its store, which it makes while it runs."""
    with engine.stream("exec", PANEL_CONTAINER, *SNAPSHOT) as process:
        sent, faults = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)
        try:
            size = sent.readline().strip()
            if size.isdigit():
                writer.add_stream(archive.STORE, int(size), sent)
            said = faults.read().decode(errors="replace")
            if process.wait() != 0 or not size.isdigit():
                raise OperatorError(f"the panel's store cannot be copied: {last_line(said)}. "
                                    "Run `make up` if the panel does not run, and look at `make logs-admin`.")
        except BrokenPipeError:
            # Of the writer: whom it writes to has ended, and says why.
            raise
        except OSError as error:
            raise OperatorError(
                "the panel's store was not copied to its end. Look at `make logs-admin`, and try again.") from error
        finally:
            process.kill()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read ({error.strerror}), but it belongs to the server. "
                            "Let this user read it, and try again.") from error
