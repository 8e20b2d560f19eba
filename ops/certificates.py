"""Why Caddy has no certificate, found in its log and told in one sentence."""

import json

from .docker import CADDY, Engine
from .errors import OperatorError

# RFC 8555 section 6.7: by this an authority names why it refuses.
_REFUSAL = "urn:ietf:params:acme:error:"


def explained(engine: Engine, fault: OperatorError) -> OperatorError:
    """Return the fault of a deploy, or a better one if it is that Caddy has no certificate."""
    if f"Container {CADDY} " not in str(fault):
        return fault
    sentence = reason(engine.logs(CADDY))
    return OperatorError(f"{sentence}\n{str(fault).splitlines()[-1]}") if sentence else fault


def reason(log: str) -> str | None:
    """Return a sentence on what keeps Caddy from its last missing certificate, and the fix; None if it misses none.

    `log` holds Caddy's, a JSON object a line (messages: github.com/caddyserver/certmagic config.go).
    """
    missing: dict[str, str] = {}
    for line in filter(lambda text: text.startswith("{"), log.splitlines()):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        name = entry.get("identifier", "")
        if entry.get("msg") == "could not get certificate from issuer":
            missing[name] = str(entry.get("error", "no reason was given")).rstrip(".")
        elif entry.get("msg") == "certificate obtained successfully":
            missing.pop(name, None)
    if not missing:
        return None
    name, error = missing.popitem()
    return f"Caddy has no certificate for {name}: {error}. {_fix(name, error)}"


def _fix(name: str, error: str) -> str:
    if _REFUSAL not in error:
        return "Let the server reach the authority at acmeDirectory, or give its own root by tlsRootFile, " \
               "and run `make up` again."
    if f"{_REFUSAL}rateLimited" in error:
        return "Run `make up` again when the authority allows it, or set another acmeDirectory until then."
    return f"Let {name} lead to this server and its port 80 be reached from the internet, and run `make up` again."
