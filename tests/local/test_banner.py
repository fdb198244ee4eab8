"""test_banner: does the banner say what runs where, tell no secret, and give lines that work?"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from chronodesk.banner import banner_lines
from chronodesk.environment import publish
from chronodesk.errors import Unavailable
from chronodesk.keys import with_keys
from chronodesk.local.postgres import EmbeddedPostgres
from chronodesk.ready import is_ready, wait_until_ready
from chronodesk.servers import Servers
from chronodesk.settings import Settings


def settings(tmp_path: Path, **given: object) -> Settings:
    return with_keys(
        Settings.model_validate({"data_dir": tmp_path, "database_url": "postgresql://a:hush@h/d", **given})
    )


def test_it_says_that_kafka_carries_the_events(tmp_path: Path) -> None:
    with_kafka = settings(tmp_path, kafka_bootstrap_servers="broker:9", transport="kafka")
    text = "\n".join(banner_lines(Servers(with_kafka)))
    assert "broker:9" in text
    assert "Kafka, topic chronodesk.events.v1" in text


def test_it_says_that_the_store_does_and_why(tmp_path: Path) -> None:
    without = Servers(settings(tmp_path, transport="store"), without_kafka="there is no `java`")
    text = "\n".join(banner_lines(without))
    assert "none (there is no `java`)" in text
    assert "straight from Postgres" in text


def test_it_tells_no_secret(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    ours = settings(tmp_path).model_copy(update={"database_url": SecretStr(postgres.app_url)})
    assert ours.secret is not None
    text = "\n".join(banner_lines(Servers(ours, postgres=postgres)))
    password = postgres.app_url.split(":")[2].partition("@")[0]
    assert str(postgres.port) in text
    assert password not in text
    assert ours.secret.get_secret_value() not in text
    assert not any(key.key.get_secret_value() in text for key in ours.api_keys)


def test_its_line_for_a_key_works_in_a_shell(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    publish(ours)
    line = next(line for line in banner_lines(Servers(ours)) if "KEY=" in line)
    line = line.replace(".venv/bin/chronodesk", f"{sys.executable} -m chronodesk")
    said = subprocess.run(["sh", "-c", f'{line.strip()}; echo "$KEY"'], capture_output=True, text=True, check=True)
    lead = next(key.key.get_secret_value() for key in ours.api_keys if key.role == "lead")
    assert said.stdout.strip() == lead


class Answer(BaseHTTPRequestHandler):
    status = 503

    def do_GET(self) -> None:
        self.send_response(type(self).status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


def test_ready_means_that_the_api_says_so(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        assert not is_ready("127.0.0.1", port)
        with pytest.raises(Unavailable, match="not ready"):
            asyncio.run(wait_until_ready(settings(tmp_path, api_port=port), asyncio.Event(), patience=0.3))
        Answer.status = 200
        assert is_ready("127.0.0.1", port)
        server.shutdown()
