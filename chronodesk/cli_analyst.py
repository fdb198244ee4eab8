"""cli_analyst: logins for analysts, and which fields they may read."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregates.reportable import DeclareField, FieldType, ReportableCommand, WithdrawField
from chronodesk.database import told_plainly
from chronodesk.errors import Unavailable, UsageError
from chronodesk.settings import PREFIX
from chronodesk.start import app_url, loaded, owner_url
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from psycopg import Connection

NAME = re.compile(r"(?!pg_|chronodesk|postgres)[a-z][a-z0-9_]{0,40}")
Login = Annotated[str, typer.Argument(help="of the login: lower case letters, digits, _", show_default=False)]
Field = Annotated[str, typer.Argument(help="a custom field, or ticket.category, ticket.tags, ...", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="for machines")]

analyst = typer.Typer(no_args_is_help=True, help="Logins that read schema `reporting`, and which fields it shows.")


def register(app: typer.Typer) -> None:
    app.add_typer(analyst, name="analyst")


@analyst.command("create")
def create_login(name: Login, as_json: AsJson = False) -> None:
    """Make a login that reads schema `reporting` of this desk and nothing else. Its password is shown only now."""
    from psycopg.errors import DuplicateObject

    from chronodesk import analysts

    if not NAME.fullmatch(name):
        raise UsageError(f"{name}: lower case letters, digits and _, not beginning with chronodesk, postgres or pg_")
    with _owner() as owner:
        try:
            password = analysts.create(owner, name)
        except DuplicateObject:
            raise UsageError(f"this server has a role {name} already: choose another name") from None
        address, withheld = analysts.url(owner, name, password), analysts.is_withheld(owner, name)
    if as_json:
        told = {"name": name, "password": password, "url": address, "withheld": withheld}
        console.print_json(json.dumps(told))
        return
    say(f"{name} may log in. The password is shown only now:")
    say(f"  {address}")
    if not withheld:
        say("Any login here can hold locks that the desk takes: see docs/reporting.md on withheld.sql.", "yellow")


@analyst.command("drop")
def drop_login(name: Login, as_json: AsJson = False) -> None:
    """End an analyst's sessions and take the login away."""
    from chronodesk import analysts

    with _owner() as owner:
        if name not in [known.name for known in analysts.listed(owner)]:
            raise UsageError(f"no analyst of this desk is called {name}")
        gone = analysts.drop(owner, name)
    if as_json:
        console.print_json(json.dumps({"name": name, "dropped": gone}))
        return
    say(f"{name} is gone." if gone else f"{name} may no longer log in here; other desks of this server let it in.")


@analyst.command("list")
def list_logins(as_json: AsJson = False) -> None:
    """Show who may log in, and how many sessions each has open."""
    from dataclasses import asdict

    from chronodesk import analysts

    with _owner() as owner:
        found = analysts.listed(owner)
    if as_json:
        console.print_json(json.dumps([asdict(known) for known in found]))
        return
    for known in found:
        say(f"{known.name}  {known.sessions} sessions")
    if not found:
        say("No analyst may log in.")


@analyst.command("declare")
def declare_field(
    field: Field,
    label: Annotated[str, typer.Option(help="what it is called in reports", show_default=False)],
    type: Annotated[FieldType, typer.Option(help="values of another type stay hidden")] = "text",
    as_json: AsJson = False,
) -> None:
    """Let analysts read a field, in all tickets."""
    from pydantic import ValidationError

    try:
        command = DeclareField(name=field, type=type, label=label)
    except ValidationError as invalid:
        raise UsageError("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in invalid.errors())) from None
    _change(command, as_json)


@analyst.command("withdraw")
def withdraw_field(field: Field, as_json: AsJson = False) -> None:
    """Hide a field from analysts again."""
    from pydantic import ValidationError

    try:
        command = WithdrawField(name=field)
    except ValidationError:
        raise UsageError(f"{field} is no name of a field") from None
    _change(command, as_json)


@analyst.command("fields")
def list_fields(as_json: AsJson = False) -> None:
    """Show which fields analysts may read."""
    from chronodesk.reportable import declared

    with told_plainly():
        found = asyncio.run(declared(app_url(loaded())))
    if as_json:
        console.print_json(json.dumps([field.model_dump() for field in found]))
        return
    for field in found:
        say(f"{field.name}  {field.type}  {field.label}")
    if not found:
        say("None is declared.")


def _change(command: ReportableCommand, as_json: bool) -> None:
    from aggregates.errors import Refusal
    from chronodesk.reportable import change

    try:
        with told_plainly():
            accepted = asyncio.run(change(app_url(loaded()), command))
    except Refusal as refused:
        raise UsageError(f"{refused.code}: {refused.detail}") from None
    if as_json:
        events = [fact.type_name for fact in accepted.facts]
        console.print_json(json.dumps({"version": accepted.version, "position": accepted.position, "events": events}))
        return
    done = "declared" if isinstance(command, DeclareField) else "withdrawn"
    say(f"{command.name} is {done}." if accepted.facts else f"{command.name} was {done} already.")


@contextmanager
def _owner() -> Iterator[Connection[Any]]:
    """A session of the owner's own: the application makes no roles."""
    from psycopg.errors import InsufficientPrivilege

    from chronodesk import analysts
    from commands.database import connect

    try:
        with told_plainly(), closing(connect(owner_url(loaded()), name="analysts", role="none")) as owner:
            if not analysts.is_there(owner):
                raise Unavailable("this database has no schema `reporting` yet: run `chronodesk migrate`")
            yield owner
    except InsufficientPrivilege:
        raise UsageError(
            f"only an owner who may make roles and grant chronodesk_analyst does this: set {PREFIX}OWNER_DATABASE_URL"
        ) from None
