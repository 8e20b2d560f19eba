"""Where the state is, what encrypts its secrets, and what Pulumi's words mean when either cannot be had.

The address comes from PULUMI_BACKEND_URL or .pulumi-backend (toolchain/run.sh), what encrypts from the stack's own
file; docs/state.md tells both to operators.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from .target import ROOT, parsed

PASSPHRASE = "passphrase"  # noqa: S105 - a name
"""What encrypts unless the stack's file names a key service."""

# Places that Pulumi keeps state in by itself, with locks like a folder's. All others are services with their own.
_OBJECT_STORES = frozenset({"s3", "gs", "azblob", "postgres"})
# What part of Pulumi's words means what. Several say more than one of these: the first counts.
_MEANINGS = (
    (r"NoSuchBucket|code=NotFound\)", "there is no such bucket there. Make it, or correct the address"),
    (r"get credentials|NoCredentialProviders|could not find default credentials|failed to refresh cached credentials"
     r"|azblob.OpenBucket: must",
     "no credentials for it are here. Put them where its own tools look for them"),
    (r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|StatusCode: 40[13]|code=PermissionDenied"
     r"|password authentication failed",
     "it refuses these credentials. Correct them, or let them read and write there"),
    (r"StatusCode: 5\d\d", "it answers with a fault of its own. Try again, and look at what it logs"),
    (r"connection refused|no such host|i/o timeout|no route to host|network is unreachable|deadline exceeded"
     r"|tls: |x509: |exceeded maximum number of attempts|(?-i:EOF)",
     "it does not answer. Look whether it runs and can be reached from here"),
    (r"PULUMI_ACCESS_TOKEN must be set|illegal prefix|no driver registered|unknown query parameter|unable to open",
     "Pulumi knows no such place, or wants a token for it. Correct the address"),
)
_KEY_FAULT = re.compile(
    r"secrets? (manager|provider)|(en|de)crypt|keeper|VAULT_|kms|transit", re.IGNORECASE)


def address() -> str:
    """Return the address of the state, with the password taken out that one of a database may hold."""
    url = os.environ.get("PULUMI_BACKEND_URL", "")
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", url)


def state_folder() -> Path | None:
    """Return the folder .pulumi with the state, or None when another service keeps it."""
    found = urlsplit(os.environ.get("PULUMI_BACKEND_URL", ""))
    return Path(found.path) / ".pulumi" if found.scheme == "file" else None


def is_elsewhere() -> bool:
    """Tell whether the state is outside of this machine, where others may share it."""
    return urlsplit(os.environ.get("PULUMI_BACKEND_URL", "")).scheme not in {"", "file"}


def is_object_store() -> bool:
    """Tell whether Pulumi keeps state and locks as objects outside of this machine."""
    return urlsplit(os.environ.get("PULUMI_BACKEND_URL", "")).scheme in _OBJECT_STORES


def secrets_provider(stack: str, folder: Path | None = None) -> str:
    """Return what encrypts a stack's secrets: `passphrase`, or the address of a key in a service."""
    file = (folder or ROOT) / f"Pulumi.{stack}.yaml"
    named = str(parsed(file).get("secretsprovider") or "") if file.exists() else ""
    return named if "://" in named else PASSPHRASE


def explained(said: str, stack: str) -> str:
    """Return a sentence for what Pulumi said of a place or key that cannot be had; empty if it is about neither."""
    provider = secrets_provider(stack)
    if provider != PASSPHRASE and _KEY_FAULT.search(said):
        return (f"the key {provider}, which encrypts the secrets of stack {stack}, cannot be used: {_reason(said)}. "
                "See docs/state.md for what it wants from the environment.")
    if state_folder() is not None:
        return ""
    meaning = next((text for pattern, text in _MEANINGS if re.search(pattern, said, re.IGNORECASE)), "")
    return f"the state at {address()} cannot be had: {meaning} (docs/state.md)." if meaning else ""


def _reason(said: str) -> str:
    """Return the end of a chain of causes, which is what can be acted on."""
    line = next((line for line in reversed(said.strip().splitlines()) if line.strip()), "")
    # Vault gives its reasons as a list.
    return line.strip().removeprefix("error: ").removeprefix("* ").rstrip(".")
