"""Commands that Pulumi runs, here or on a server."""

import hashlib
import re

from policy.allowlists import CARRIED, COMMANDS, SCRIPTS
from policy.making import ASVS, CRITICAL, HIGH, NIST, About, Faults, StackFaults, on_each, on_stack
from policy.resources import COMMAND, PROVIDER, Resource
from policy.secrecy import is_secret_name, names_given, shape

_LINES = ("create", "update", "delete")
# Its standard input and its connection are where secrets may be.
_JUDGED = {*_LINES, "stdin", "hostKey", "privateKey", "privateKeyPassword", "password", "host", "user"}


@on_each(About(
    name="command-disallow-secret-args",
    description="A command gets secrets by its standard input only, logs nothing then, and knows the host it runs on.",
    remedy="Bring the secret by stdin, set logging to none and connection.hostKey to the server's key.",
    severity=HIGH, standard=ASVS, reference="13.3.1"),
    "command:*", "pulumi-python:dynamic*", "pulumi-nodejs:dynamic*")
def secret_args(resource: Resource) -> Faults:
    if not resource.kind.startswith("command:"):
        yield "it runs code of its own at each deploy, which no policy can look at"
        return
    for key in _LINES:
        yield from _line_faults(key, resource.text(key))
    for name in resource.view("environment").names():
        if is_secret_name(name):
            yield f"environment gives a value to {name}"
    for place, name, text in resource.all_texts():
        if name not in _JUDGED and not is_secret_name(name):
            yield from _line_faults(place, text)
    if resource.has("stdin") and resource.text("logging") != "none":
        yield "what it answers to its standard input is logged"
    if resource.kind.startswith("command:remote:") and not resource.view("connection").text("hostKey"):
        yield "it takes any server for the right one"


@on_each(About(
    name="command-own-programs-only",
    description="A command is one of this project's own for a host: it runs a script that the pack knows, or carries "
                "images of ours.",
    remedy="Take it away; a new script is a new line in policy/allowlists.py, once somebody has read it.",
    severity=CRITICAL, standard=NIST, reference="4.4.5"), "command:*")
def own_programs(resource: Resource) -> Faults:
    program = _program(resource.text("create")) if resource.kind == COMMAND else ""
    if not program:
        yield "it runs what is no program of this project for hosts"
    elif not resource.knows("stdin"):
        # Ids of images that are yet to be built; the update looks again. A script is known.
        if program != "carriage":
            yield "its script is not known before the deploy; write it as a constant"
    elif program == "carriage":
        if not re.fullmatch(CARRIED, resource.text("stdin")):
            yield "it carries other things than this project's images"
    elif script_hash(resource.text("stdin")) not in SCRIPTS:
        yield "nobody has told this pack of the script that it runs"


@on_stack(About(
    name="stack-commands-own-hosts",
    description="A command is for a machine that the server is on.",
    remedy="Give it the address of an engine that this program makes containers on.",
    severity=HIGH, standard=NIST, reference="4.4.5"))
def own_hosts(resources: tuple[Resource, ...]) -> StackFaults:
    hosts = {item.text("host") for item in resources if item.kind == PROVIDER and item.knows("host")}
    for item in resources:
        if item.kind != COMMAND or not item.knows("create"):
            continue
        if item.text("create").rpartition(" ")[2].strip("'") not in hosts:
            yield item, "it is for a machine that has no engine of this server"


def script_hash(script: str) -> str:
    """Return the hash of a script, whichever ports it opens."""
    return hashlib.sha256(re.sub(r"\b\d+/(tcp|udp)\b", r"0/\1", script).encode()).hexdigest()


def _program(line: str) -> str:
    return next((name for name, pattern in COMMANDS.items() if re.fullmatch(pattern, line)), "")


def _line_faults(key: str, line: str) -> Faults:
    for name in names_given(line):
        yield f"{key} gives a value to {name}"
    if found := shape(line):
        yield f"{key} holds what looks like {found}"
