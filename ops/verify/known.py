"""The secrets of a stack by what they are: what the hunt looks for."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .state import CONTAINER, RANDOM_PASSWORD, State

if TYPE_CHECKING:
    from components.rotations import Rotations

LEAST_LENGTH = 8
"""Shorter ones stand in any text by chance."""

# What a client is meant to be told, or what is public by its nature.
_PUBLIC = {"reality_public_key", "public_key"}
_SECRET_OUTPUTS = ("panelPassword", "metricsToken")
_KEY_LINES = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(\S+)")
_PASSWORD_IN_ADDRESS = re.compile(r"\w://[^\s:/@\"]*:([^\s:/@\"]+)@")


def secrets_of(state: State, passphrase: str, rotations: "Rotations | None" = None) -> dict[str, str]:
    """Return every secret value by its name, former ones in an overlap too, without those too short to look for."""
    found = {"passphrase": passphrase}
    seeds: dict[str, str] = {}
    for item in state.of(RANDOM_PASSWORD):
        for key in ("result", "bcryptHash"):
            found[f"{item.name}.{key}"] = str(item.outputs.get(key) or "")
        seeds[item.name] = found[f"{item.name}.result"]
    found |= _derived(seeds, rotations)
    found |= {name: str(state.stack_outputs.get(name) or "") for name in _SECRET_OUTPUTS}
    # Its path is the panel's; what opens it is its last part.
    found["subscriptionUrl"] = str(state.stack_outputs.get("subscriptionUrl") or "").rpartition("/")[2]
    for item in state.of(CONTAINER):
        found |= dict(_delivered(item.name, item.secrets))
    return {name: value for name, value in found.items() if len(value) >= LEAST_LENGTH}


def _derived(seeds: Mapping[str, str], rotations: "Rotations | None") -> Iterator[tuple[str, str]]:
    # Here and not above: other commands shall not wait for its library.
    from components import keys
    from components.rotations import NEVER
    for name, kind in (("xray", keys.XrayKeys), ("trojan", keys.TrojanKeys), ("singbox", keys.SingboxKeys),
                       ("wireguard", keys.WireguardKeys), ("panel", keys.PanelKeys)):
        if seed := seeds.get(f"{name}-seed"):
            for key, text in dataclasses.asdict(kind.from_seed(seed, rotations or NEVER)).items():
                if key not in _PUBLIC:
                    yield f"{name}.{key}", str(text)


def _delivered(writer: str, texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield what a service's files hold that no seed tells: keys of certificates, and passwords in addresses."""
    for text in texts:
        # One line of a key, for the whole may be folded differently elsewhere.
        for number, line in enumerate(_KEY_LINES.findall(text.replace("\\n", "\n"))):
            yield f"{writer}.key{number}", line
        for number, password in enumerate(_PASSWORD_IN_ADDRESS.findall(text)):
            yield f"{writer}.password{number}", password
