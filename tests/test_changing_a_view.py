"""Does CONTRIBUTING's example of changing a read model do what it says?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.databases import Database

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLE = CONTRIBUTING[CONTRIBUTING.index("## Changing a read model") :]
ROOMS = ("aggregates", "commands", "projections", "consumers", "replay", "api", "chronodesk")


def block(language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", EXAMPLE, re.DOTALL)[number])


def changed_code(folder: Path) -> Path:
    """A copy of the code with the example's change: each line that goes is there exactly once."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room)
    name, *lines = block("diff").splitlines()
    file = folder / name.removeprefix("--- ")
    text = file.read_text()
    for gone, new in zip(lines[::2], lines[1::2], strict=True):
        assert (gone[0], new[0], text.count(gone[1:] + "\n")) == ("-", "+", 1), gone
        text = text.replace(gone[1:] + "\n", new[1:] + "\n")
    file.write_text(text)
    return folder


def expected(line: str) -> str:
    """As a pattern: dots stand for what differs each time, or for more lines like the one before."""
    if line.strip() == "...":
        return r"(?:  tickets [-0-9a-f]{36}: updated_at\n)*"
    return re.escape(line).replace(r"\.\.\.", ".*") + r"\n"


def test_the_example_is_built_beside_reported_and_right(database: Database, tmp_path: Path) -> None:
    def run(script: str, code: Path) -> subprocess.CompletedProcess[str]:
        here = script.replace("chronodesk", f"{sys.executable} -m chronodesk")
        paths = {"PYTHONPATH": str(code), "CHRONODESK_DATABASE_URL": database.app_url, "CHRONODESK_TRANSPORT": "store"}
        command = ["bash", "-euc", here]
        return subprocess.run(
            command, cwd=code, env=os.environ | paths, capture_output=True, text=True, timeout=90, check=False
        )

    code = changed_code(tmp_path / "code")
    assert run("chronodesk simulate --tickets 20; chronodesk replay rebuild tickets", ROOT).returncode == 0
    rebuilt = run(block("sh"), code)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert re.fullmatch("".join(map(expected, block("text").splitlines())), rebuilt.stdout), rebuilt.stdout
    verified = run(block("sh", 1), code)
    assert verified.returncode == 0, verified.stdout
    outdated = run("chronodesk consume tickets", ROOT)
    assert (outdated.returncode, "this code knows only version 1" in outdated.stderr) == (3, True)
