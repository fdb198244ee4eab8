"""calls: how is the API called at a rate, by hand? A client library would cost more than the server under test."""

from __future__ import annotations

import asyncio
import json
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

HOST = "127.0.0.1"
Connection = tuple[StreamReader, StreamWriter]
Do = Callable[[Connection, int], Awaitable[None]]


async def called(connection: Connection, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    """The status and what was answered."""
    reader, writer = connection
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    )
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    answer = (await reader.readuntil(b"\r\n\r\n")).lower()
    told = await reader.readexactly(int(answer.split(b"content-length: ")[1].split(b"\r\n")[0]))
    return int(answer[9:12]), json.loads(told)


async def at_a_rate(port: int, rate: float, clients: int, goes_on: Callable[[int], bool], do: Do) -> None:
    """`do` for 0, 1, 2, ...: each in its time, by whoever is free; later if nobody is."""
    numbers, start = count(), time.perf_counter()

    async def client() -> None:
        connection = await asyncio.open_connection(HOST, port)
        while goes_on(number := next(numbers)):
            await asyncio.sleep(start + number / rate - time.perf_counter())
            await do(connection, number)
        connection[1].close()

    await asyncio.gather(*(client() for _ in range(clients)))
