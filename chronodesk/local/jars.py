"""jars: is this machine able to run Kafka, and where are its jars?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

from chronodesk.errors import Unavailable

KAFKA_VERSION = "4.3.1"
JAVA_NEEDED = 17
RESOLVE_SECONDS = 600


def missing() -> str | None:
    """What a local Kafka lacks here, in words for a person; None: nothing."""
    java = java_version()
    if java is None:
        return "there is no `java`"
    if java < JAVA_NEEDED:
        return f"Java is {java}, Kafka needs {JAVA_NEEDED}"
    return None if shutil.which("mvn") else "there is no `mvn` (Maven) to fetch Kafka with"


def available() -> bool:
    return missing() is None


def java_version() -> int | None:
    """The major number; None where no Java runs (macOS has a `java` that only says so)."""
    java = shutil.which("java")
    if java is None:
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found.group(1)) if found else None


def resolved(cache_dir: Path) -> Path:
    """The folder of jars, fetched by Maven on first use. Unavailable when it cannot."""
    folder = cache_dir / f"kafka-{KAFKA_VERSION}"
    if not folder.exists():
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        try:
            _fetch(draft)
            _publish(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


def _fetch(folder: Path) -> None:
    folder.mkdir(parents=True)
    with as_file(files("chronodesk.local") / "broker" / "pom.xml") as pom:
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        command = [shutil.which("mvn") or "mvn", "-q", "-B", "-f", str(pom), *goal]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=RESOLVE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Unavailable("Maven did not finish fetching Kafka in ten minutes.") from None
    if done.returncode != 0:
        raise Unavailable(f"Maven cannot fetch Kafka: {done.stdout.strip()[-600:]}")


def _publish(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        # Another process was as quick, and its jars are as good.
        if not folder.exists():
            raise
