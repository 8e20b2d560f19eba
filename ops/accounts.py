"""The commands for those who sign in to the panel: `ops accounts ...`, each of them a call of the panel's API."""

from typing import Any

import click

from . import output
from .quantities import shown_minute
from .users import Command

_ROLES = ("reader", "operator", "owner")
_SCOPES = ("users:read", "users:write", "server:read", "audit:read")


@click.group()
@click.option("--json", "as_json", is_flag=True, help="Print what the panel answers, as JSON.")
@click.pass_context
def accounts(context: click.Context, as_json: bool) -> None:
    """Look after those who sign in to the panel."""
    if as_json:
        output.answer_in_json()
    context.obj = Command(context.obj)


@accounts.command("list")
@click.pass_obj
def list_all(command: Command) -> None:
    """List the accounts."""
    found = command.panel.call("GET", "/accounts")
    command.show(found, "\n".join([_HEAD, *map(_row, found)]))


_COLUMNS = "{:<24} {:<9} {:<9} {:<14} {}"
_HEAD = _COLUMNS.format("USERNAME", "ROLE", "STATE", "SECOND FACTOR", "SIGNED IN")


def _row(account: dict[str, Any]) -> str:
    state = "disabled" if account["is_disabled"] else "new" if account["must_change_password"] else "active"
    return _COLUMNS.format(account["username"], account["role"], state, "on" if account["has_second_factor"] else "off",
                           shown_minute(account["signed_in_at"]))


@accounts.command()
@click.argument("username")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What it may do; docs/panel.md says what.")
@click.pass_obj
def add(command: Command, username: str, role: str) -> None:
    """Add an account, and print a password for its first sign-in, this once."""
    _show_given(command, command.panel.call("POST", "/accounts", {"username": username, "role": role}))


@accounts.command()
@click.argument("username")
@click.pass_obj
def reset(command: Command, username: str) -> None:
    """Give an account a new one-time password, and end its sessions, tokens and second factor."""
    _show_given(command, command.panel.on_account(username, "POST", "/reset"))


def _show_given(command: Command, given: dict[str, Any]) -> None:
    command.show(given, f"{given['account']['username']} signs in once with: {given['password']}")


@accounts.command()
@click.argument("username")
@click.argument("role", type=click.Choice(_ROLES))
@click.pass_obj
def role(command: Command, username: str, role: str) -> None:
    """Give an account another role."""
    command.show(command.panel.on_account(username, "PATCH", "", {"role": role}), f"{username} is {role} now.")


def _switch(name: str, is_disabled: bool, help_text: str, done: str) -> None:
    @accounts.command(name, help=help_text)
    @click.argument("username")
    @click.pass_obj
    def act(command: Command, username: str) -> None:
        changed = command.panel.on_account(username, "PATCH", "", {"is_disabled": is_disabled})
        command.show(changed, f"{username} {done}.")


_switch("enable", False, "Let somebody sign in again.", "may sign in again")
_switch("disable", True, "Shut somebody out, and end their sessions and tokens.", "is shut out")


@accounts.command()
@click.argument("username")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(command: Command, username: str, yes: bool) -> None:
    """Remove an account for good; what it did stays in the audit log."""
    account = command.panel.account(username)
    if not yes:
        click.confirm(f"Remove the account {username} for good?", abort=True)
    command.show(command.panel.call("DELETE", f"/accounts/{account['id']}"), f"{username} is removed.")


@accounts.command()
@click.argument("username")
@click.pass_obj
def tokens(command: Command, username: str) -> None:
    """List an account's tokens for the API."""
    found = command.panel.on_account(username, "GET", "/tokens")
    lines = [f"{token['id']:<6} {token['name']:<24} until {token['expires_at'][:10]}  {' '.join(token['scopes'])}"
             for token in found]
    command.show(found, "\n".join(lines) or f"{username} has no tokens.")


@accounts.command()
@click.argument("username")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", type=click.Choice(_SCOPES), multiple=True, required=True,
              help="What it may do, within the account's role; may be repeated.")
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="How long it lasts.")
@click.pass_obj
def token(command: Command, username: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token for the API, and print it, this once."""
    body = {"name": name, "scopes": list(scopes), "days": days}
    made = command.panel.on_account(username, "POST", "/tokens", body)
    command.show(made, made["token"])


@accounts.command()
@click.argument("username")
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
def revoke(command: Command, username: str, number: int) -> None:
    """Remove the token of that number, which `tokens` shows."""
    command.show(command.panel.on_account(username, "DELETE", f"/tokens/{number}"), f"Token {number} is removed.")
