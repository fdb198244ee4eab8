"""cli_relay: carry the store's events into Kafka, and send the relay back when the topic was lost."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.errors import Unavailable, UsageError
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from chronodesk.settings import Settings
    from consumers.relay_reset import Reset


def register(app: typer.Typer) -> None:
    group = typer.Typer(invoke_without_command=True, help=relay.__doc__)
    group.callback()(relay)
    group.command("reset")(reset)
    app.add_typer(group, name="relay")


def relay(context: typer.Context) -> None:
    """Publish every event to Kafka, in order. Start as many as you like: one works, the others stand by."""
    if context.invoked_subcommand is not None:
        return
    from chronodesk.carriers import bootstrap_of, carry
    from consumers.loop import relay as relay_work

    settings = loaded()
    work = relay_work(app_url(settings), bootstrap_of(settings), settings.topic)
    carry({"relay": work}, settings)


def reset(
    to: Annotated[int, typer.Option(help="the relay goes on behind this position", min=0, show_default=False)],
    discard_topic: Annotated[
        bool, typer.Option("--discard-topic", help="first delete the topic with all that it holds, and make it anew")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Publish again from a position on. The desk's own views drop what comes twice; a relay that is running follows."""
    settings = loaded()
    if discard_topic and not yes:
        typer.confirm(f"Delete the Kafka topic {settings.topic} and all that it holds?", abort=True, err=True)
    done = _reset(settings, to, discard_topic)
    if as_json:
        console.print_json(json.dumps(asdict(done) | {"again": done.again, "skipped": done.skipped}))
    else:
        _show(done)


def _reset(settings: Settings, to: int, discard: bool) -> Reset:
    from contextlib import closing

    from kafka.errors import KafkaError

    from chronodesk.carriers import bootstrap_of
    from commands.database import connect
    from consumers import relay_reset

    with closing(connect(app_url(settings), name="relay reset")) as connection:
        try:
            return relay_reset.reset(connection, settings.topic, to, bootstrap_of(settings) if discard else None)
        except relay_reset.BeyondLog as beyond:
            raise UsageError(f"--to {to}: {beyond}") from None
        except KafkaError as away:
            raise Unavailable(f"Kafka: {away or type(away).__name__}; run the same again") from None


def _show(done: Reset) -> None:
    if done.new_topic:
        say(f"The topic {done.topic} is new and empty.")
    came = "it never ran before" if done.before is None else f"it stood at {done.before:,}"
    say(f"The relay goes on behind position {done.position:,}; {came}, the log ends at {done.head:,}.")
    if done.again:
        say(f"{done.again:,} events are published once more; the views drop them.")
    if done.skipped:
        say(
            f"{done.skipped:,} events will never be in the topic: the views read them from the store,"
            " other readers of the topic miss them.",
            "yellow",
        )
