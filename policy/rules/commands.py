"""Commands that Pulumi runs, here or on a server."""

from policy.making import ASVS, HIGH, About, Faults, on_each
from policy.resources import Resource
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


def _line_faults(key: str, line: str) -> Faults:
    for name in names_given(line):
        yield f"{key} gives a value to {name}"
    if found := shape(line):
        yield f"{key} holds what looks like {found}"
