"""Which part of a stack's configuration a promotion demands to be the same on both servers.

What stands in HOST_SPECIFIC is each host's own; every other key is shared, a key of tomorrow too, until somebody says
otherwise here and in docs/promotion.md.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..configuration.variables import typed
from ..errors import OperatorError
from ..target import schema

HOST_SPECIFIC = frozenset({
    # Whose server it is, and where.
    "domain", "email", "adminUsername", "dockerHost", "hostSetup", "buildOn", "hosts", "timeZone",
    # Its certificates' origin and files, and its own pages.
    "acmeDirectory", "tlsCertificateFile", "tlsKeyFile", "tlsRootFile", "siteDir",
    # What is free on its network.
    "httpPort", "httpsPort", "networkSubnet", "vpnSubnet", "ipv6", "networkSubnet6", "vpnSubnet6", "egressAllow",
    "egressRefuse",
    # How large it is.
    "resourceProfile", "openFilesLimit", "dataDir",
    # Whom it tells, and where it keeps what.
    "databaseUrl", "alertWebhookUrl", "alertSmtpUrl", "alertMailTo", "backupTarget", "backupCredentialsFile",
    "backupKeep",
    # What its operators did by commands.
    "stopped", "rotations",
})
"""None of these says what the program does; secrets are among them, because no two servers may share one."""


def of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shared values, in their types; raises OperatorError for one that is of another type."""
    types, found = schema(), {}
    # A key that is none of the schema's is the program's to refuse.
    for key in sorted((settings.keys() & types.keys()) - HOST_SPECIFIC):
        try:
            found[key] = typed(key, settings[key], types)
        except ValueError as error:
            raise OperatorError(f"{key} is {settings[key]}, but it is of type {types[key]['type']}. "
                                f"Fix it with `pulumi config set {key} <value>`.") from error
    return found


def sha256(values: Mapping[str, Any]) -> str:
    """Return the hash of shared values, whatever their order."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def refuse_differing(pinned: Mapping[str, Any], source: str, given: Mapping[str, Any], target: str) -> None:
    """Raise OperatorError, which names every key, unless both have the same shared values."""
    if sha256(pinned) == sha256(given):
        return
    keys = sorted(key for key in pinned.keys() | given.keys() if pinned.get(key) != given.get(key))
    told = "; ".join(f"{key} is {_shown(given, key)} and was pinned as {_shown(pinned, key)}" for key in keys)
    raise OperatorError(f"Pulumi.{target}.yaml is not what was tried on {source}: {told}. Change it there, or deploy "
                        f"{target}'s value on {source} and pin that (docs/promotion.md).")


def _shown(values: Mapping[str, Any], key: str) -> str:
    return json.dumps(values[key]) if key in values else "not known"
