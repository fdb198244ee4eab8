"""Does the README's every command do what it says, on a desk of its own?"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chronodesk.local.files import free_port

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CLI = f"{sys.executable} -m chronodesk"
START_SECONDS = 90


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def desk() -> Iterator[dict[str, str]]:
    """What `make run` runs, without Kafka; the environment that leads to it."""
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-readme-"))
    folder.chmod(0o755)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHRONODESK_")}
    environment |= {"CHRONODESK_DATA_DIR": str(folder / "desk"), "CHRONODESK_API_PORT": str(port)}
    log = folder / "run.log"
    with log.open("wb") as lines:
        command = [*CLI.split(), "run", "--transport", "store"]
        run = subprocess.Popen(command, env=environment, stdout=lines, stderr=lines, cwd=ROOT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Chronodesk is running" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield environment
    finally:
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=30) == 0
        shutil.rmtree(folder, ignore_errors=True)


def sh(script: str, environment: dict[str, str], folder: Path) -> str:
    here = script.replace(".venv/bin/chronodesk", CLI).replace(":8080", f":{environment['CHRONODESK_API_PORT']}")
    here = here.replace(".venv/bin/python verify_bundle.py", f"{sys.executable} -I {ROOT}/verify_bundle.py")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here],
        env=environment | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_make_target_that_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z]+)", "".join(blocks("sh"))))
    assert named >= {"run", "demo", "test", "check", "bench"}
    assert [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_a_ticket_is_worked_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    (script,) = (block for block in blocks("sh") if "API=" in block)
    answers = [json.loads(line) for line in sh(script, desk, tmp_path).splitlines() if line.strip()]
    opened, *worked, history, _ = answers
    assert opened["number"].startswith("T-")
    assert [answer["events"] for answer in worked] == [
        ["ticket.assigned.v1"],
        ["ticket.reply_added.v1"],
        ["ticket.resolved.v1"],
    ]
    assert len(history["events"]) == 5
    (search,) = (block for block in blocks("sh") if "chronodesk search" in block)
    sh(".venv/bin/chronodesk lag --wait 30", desk, tmp_path)
    (shown,) = (block for block in blocks("text") if "Printer on fire" in block)
    assert sh(search, desk, tmp_path) == shown.replace("T-...", opened["number"])


def test_the_demo_prints_what_it_shows(desk: dict[str, str], tmp_path: Path) -> None:
    shown = next(block for block in blocks("text") if "Tickets by status" in block)
    headings = [line for line in shown.splitlines() if line and line[0].isupper() and ":" not in line]
    printed = sh(".venv/bin/chronodesk demo --tickets 150 --seed 3", desk, tmp_path)
    for heading in ("Tickets by status", "The teams with most open work", "Arrivals and resolutions a month"):
        assert heading in headings
        assert heading in printed
    assert "The ticket with most handoffs: T-" in printed


def test_every_other_command_that_it_names_works(desk: dict[str, str], tmp_path: Path) -> None:
    commands = re.findall(r"`(\.venv/bin/chronodesk [^`]+)`", README)
    assert len(commands) >= 5
    for command in commands:
        assert sh(command, desk, tmp_path) or "--out" in command


def test_the_past_answers_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    (script,) = (block for block in blocks("sh") if "blame" in block)
    said = sh(script, desk, tmp_path)
    for part in ("T-1042 as of @5", "status  ", "@1  ", "<- this one", "escalated to line"):
        assert part in said


def test_it_is_proven_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    (script,) = (block for block in blocks("sh") if "audit verify" in block)
    said = sh(script, desk, tmp_path)
    assert "Intact." in said
    assert said.strip().endswith("It holds.")


def test_figures_are_reported_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    (script,) = (block for block in blocks("sh") if "report pack" in block)
    # What is made up here happened later.
    said = sh(script.replace("2012", "2024").replace("2013", "2025"), desk, tmp_path)
    assert said.startswith("Reopened tickets\n2024-04-02 to 2024-06-04, Europe/Stockholm, by week, calendar time.\n")
    assert "makes the same pack again." in said
    assert (tmp_path / "pack-2024" / "manifest.json").exists()


def test_an_analyst_reads_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    (script,) = (block for block in blocks("sh") if "analyst create" in block)
    (question,) = blocks("sql")
    said = sh(script, desk, tmp_path)
    (address,) = re.findall(r"  (postgresql://ann:\S+)", said)
    assert "ticket.category is declared.\nann  0 sessions\n" in said
    with psycopg.connect(address) as analyst:
        assert [column.name for column in analyst.execute(question.encode()).description or ()] == [
            "team", "status", "tickets",
        ]  # fmt: skip


def test_it_is_rebuilt_and_verified_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    (script,) = (block for block in blocks("sh") if "replay rebuild" in block)
    said = sh(script, desk, tmp_path)
    assert "queues: compared with queues_v3_b1, every row at one position" in said
    assert all(line.split()[1] == "ok" for line in said.splitlines() if line.startswith(("chain", "commands", "sla ")))


def test_the_demo_starts_a_desk_where_none_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-demo-"))
    folder.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHRONODESK_")}
    environment |= {
        "CHRONODESK_DATA_DIR": str(folder / "desk"),
        "CHRONODESK_API_PORT": str(free_port()),
        "CHRONODESK_TRANSPORT": "store",
    }
    try:
        printed = sh(".venv/bin/chronodesk demo --tickets 50 --seed 3", environment, tmp_path_factory.mktemp("cwd"))
        assert "Tickets by status" in printed
        assert not (folder / "desk" / "run.json").exists(), "it stopped what it started"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_past_is_judged_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    """Last of all: what others open from here on, policies hold for."""
    (script,) = (block for block in blocks("sh") if "sla apply" in block)
    said = sh(script, desk, tmp_path)
    assert said.startswith("Published.")
    assert " judged." in said
    assert "Promises kept and broken" in said


def test_other_rules_are_tried_as_it_says(desk: dict[str, str], tmp_path: Path) -> None:
    (script,) = (block for block in blocks("sh") if "what-if" in block)
    # What is made up here happened later.
    said = sh(script.replace(" --to 2012-06-01", ""), desk, tmp_path)
    assert "Promises by the month" in said
    assert "resolution  all" in said
