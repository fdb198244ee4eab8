"""cli_replay_verify: is everything there, once, in order, and in every view?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.cli_replay_rebuild import named_views, run_told_plainly
from chronodesk.errors import FrontDoorError, Unavailable
from chronodesk.phases import phases
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from replay.verify.check import Check
    from replay.verify.verify import Heads

CHECKS_OF_THE_LOG = 3


def register(replay: typer.Typer) -> None:
    replay.command("verify")(verify)


def verify(
    views: Annotated[list[str] | None, typer.Argument(help="only these views; default: all")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="processes; default: one a core")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines: a line of JSON a check")] = False,
) -> None:
    """Check the whole desk while it runs: the log and its hash chain, commands, Kafka, and every view.

    Each view is built anew beside the live one, compared with it and dropped. Exit code 1: something is wrong.
    """
    from chronodesk.carriers import source_of
    from projections.registry import PROJECTIONS
    from replay.rebuild.crew import crew, give_way
    from replay.rebuild.fill import wanted
    from replay.verify.verify import verify as checks

    give_way()
    settings, faults = loaded(), 0
    source = source_of(settings)
    wishes = [wanted(source.url, PROJECTIONS[name]) for name in named_views(views, not views)]
    parts = len(wishes) + CHECKS_OF_THE_LOG
    with can_look(), crew(workers or os.cpu_count() or 1) as many, phases(parts) as told:
        for check in checks(source, _heads(settings), wishes, many, told.of):
            faults += check.fault is not None
            if as_json:
                console.print(json.dumps(asdict(check)), markup=False, highlight=False, soft_wrap=True)
            else:
                say(
                    f"{check.name:<9} {'FAULT' if check.fault else 'ok':<6} {check.line}",
                    "red" if check.fault else None,
                )
    if faults:
        raise FrontDoorError(f"{faults} checks failed")


def _show(check: Check) -> None:
    verdict, style = ("FAULT", "red") if check.fault else ("ok", None)
    say(f"{check.name:<9} {verdict:<6} {check.line}", style)


@contextmanager
def can_look() -> Iterator[None]:
    """What keeps us from looking is not what we look for."""
    from kafka.errors import KafkaError

    try:
        with run_told_plainly():
            yield
    except KafkaError as away:
        raise Unavailable(f"Kafka cannot be read: {type(away).__name__}") from None


def _heads(settings: Settings) -> Heads:
    """Those that this desk's witness keeps here, and its key if that is here, too."""
    from chronodesk.witnessing import own_public_key
    from replay.proof.published import FILE_NAME, HeadsFile
    from replay.verify.verify import Heads

    file = settings.heads_dir / FILE_NAME
    return Heads((HeadsFile(file).lines(),) if file.exists() else (), own_public_key(settings))
