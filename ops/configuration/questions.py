"""What a new server needs to be told, and what is proposed where nobody told it."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from ..errors import OperatorError
from ..operations.doctor.names import PRIVATE_DOMAINS
from . import variables
from .stack_file import StackFile
from .variables import Given

PLACEHOLDERS = {
    "domain": ("stealth.test", "example.com"),
    "email": ("admin@stealth.test", "admin@example.com"),
    "dockerHost": ("ssh://deploy@vpn.example.com",),
}
"""What the files that come with the project hold until somebody chooses."""

_UNASKED = {"domain": Given(value="example.com", origin=""), "email": Given(value="admin@example.com", origin="")}
_LOCAL_ENGINE = "unix:///var/run/docker.sock"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One value that a new server needs."""

    key: str
    text: str
    variable: str = ""
    """The environment variable that answers it, too, if there is one."""

    propose: Callable[[Mapping[str, Any]], str]
    """The answer that is proposed, from the values so far; empty for none."""

    is_required: bool = False
    """Whether somebody has to say it: nothing is taken for granted where nobody can be asked."""

    @property
    def option(self) -> str:
        """The flag that answers it."""
        return "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in self.key)


def _authority(values: Mapping[str, Any]) -> str:
    return "internal" if f".{values['domain']}".endswith(PRIVATE_DOMAINS) else "acme"


QUESTIONS = (
    Question(key="domain", variable="DOMAIN", is_required=True, propose=lambda _: "",
             text="Domain of the server, such as example.com; the site will be at www. under it"),
    Question(key="email", variable="EMAIL", is_required=True, propose=lambda values: f"admin@{values['domain']}",
             text="Mail address for the certificate authority"),
    Question(key="adminUsername", variable="ADMIN_USERNAME", propose=lambda values: str(values["adminUsername"]),
             text="Name of the panel's first account"),
    Question(key="tls", propose=_authority,
             text="Certificates: internal (trials), acme (Let's Encrypt) or files (your own)"),
    Question(key="mode", propose=lambda values: str(values["mode"]),
             text="full, or minimal for the site and the panel only"),
)


def chosen(file: StackFile) -> dict[str, Any]:
    """Return the values that somebody has chosen: not what the project's own files hold until then."""
    if file.is_settled:
        return file.own
    return {key: value for key, value in file.own.items() if value not in PLACEHOLDERS.get(key, ())}


def missing(values: Mapping[str, Any]) -> list[Question]:
    """Return the questions that somebody has to answer."""
    return [question for question in QUESTIONS if question.is_required and question.key not in values]


def answers(file: StackFile, given: Mapping[str, Given], values: Mapping[str, Any],
            ask: Callable[[str, str], str] | None, show: Callable[[object], None]) -> dict[str, Given]:
    """Return an answer to each question that is open: what `ask` brings, or without it what is proposed."""
    found: dict[str, Given] = {}
    for question in QUESTIONS:
        if question.key not in values:
            so_far = {**values, **{key: item.value for key, item in found.items()}}
            proposal = question.propose(file.values | so_far)
            found[question.key] = _answer(file, question, proposal, {**given, **found}, ask, show)
    return found


def _answer(file: StackFile, question: Question, proposal: str, given: Mapping[str, Given],
            ask: Callable[[str, str], str] | None, show: Callable[[object], None]) -> Given:
    while True:
        text = ask(question.text, proposal) if ask else proposal
        answer = variables.given(question.key, text, f"your answer {text}" if ask else "proposal", file.schema)
        try:
            # What is still to come must not be missed yet.
            file.judge({**_UNASKED, **given, question.key: answer})
        except OperatorError as error:
            if not ask:
                raise
            show(error)
        else:
            return answer


def refuse_missing(values: Mapping[str, Any]) -> None:
    """Refuse to guess where nobody can be asked."""
    if lacking := missing(values):
        listed = ", ".join(f"{item.key} ({item.option} or {item.variable})" for item in lacking)
        raise OperatorError(f"nobody said {listed}. Give it by flag, by environment or in an imported file.")


def of_this_machine(file: StackFile, values: Mapping[str, Any]) -> dict[str, Given]:
    """Return what a server on this machine needs beside answers; raises OperatorError if the stack goes elsewhere."""
    found = {}
    host = str(values.get("dockerHost", _LOCAL_ENGINE))
    if not host.startswith("unix://"):
        raise OperatorError(f"{file.path.name} deploys to {host}, and not to this machine. Run `make up` for it, or "
                            "choose another stack by --stack.")
    if file.values["dockerHost"] != host:
        found["dockerHost"] = Given(value=host, origin="this machine's own engine")
    own = own_addresses(address.address for entries in psutil.net_if_addrs().values() for address in entries)
    if own and "egressRefuse" not in values:
        found["egressRefuse"] = Given(value=own, origin="this machine's public addresses")
    return found


def own_addresses(shown: Iterable[str]) -> list[str]:
    """Return those addresses that the internet reaches, which no client may reach from inside (docs/egress.md)."""
    found = set()
    for text in shown:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue  # A hardware address.
        if address.is_global and not address.is_multicast:
            found.add(address)
    return [str(address) for address in sorted(found, key=lambda item: (item.version, int(item)))]
