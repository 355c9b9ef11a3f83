"""A worker tells probes how it is, whatever its handlers do."""

import asyncio
import http.client
import json
import logging
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker_handlers import registry
from tests.integration.worker_house import LONG_S, House

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.worker.health import judge


@pytest.fixture(autouse=True)
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def port(said: pytest.LogCaptureFixture) -> int:
    found = re.search(r"probes are answered on http://127\.0\.0\.1:(\d+)", said.text)
    assert found, said.text
    return int(found[1])


def ask(port: int) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


async def until(port: int, status: str) -> tuple[int, dict[str, Any]]:
    async with asyncio.timeout(LONG_S):
        while True:
            found = await asyncio.to_thread(ask, port)
            if found[1]["status"] == status:
                return found
            await asyncio.sleep(0.01)


async def test_one_that_is_heard_is_well(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    async with House(registry(), tmp_path, health_port=0) as house:
        await house.beat()
        code, health = await asyncio.to_thread(ask, port(said))
        assert (code, health["status"], health["worker"]) == (200, "ok", house.worker.id)
        assert 0 <= health["beat_age_s"] < LONG_S


async def test_one_that_is_not_heard_is_not(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    async with House(registry(), tmp_path, health_port=0, self_stop_s=0.5) as house:
        house.away = True
        code, health = await until(port(said), "unheard")
        assert code == 503
        assert health["beat_age_s"] >= 0.5
        house.away = False
        assert (await until(port(said), "ok"))[0] == 200


async def test_it_answers_while_a_handler_blocks_the_loop(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    found: list[tuple[int, dict[str, Any]]] = []

    async def block() -> None:
        while not found or found[-1][1]["status"] != "stuck":
            found.append(ask(port(said)))

    async with House(registry(block=block), tmp_path, health_port=0, self_stop_s=1.0) as house:
        await house.run("block")
        assert found[-1][0] == 503
        assert found[-1][1]["loop_lag_s"] >= 1.0
        assert (await until(port(said), "ok"))[0] == 200


async def test_whatever_is_sent_there_hurts_nobody(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    async with House(registry(), tmp_path, health_port=0):
        for words in (b"", b"\r\n\r\n", b"\xff" * 100_000, b"GET / HTTP/1.1\r\n"):
            with socket.create_connection(("127.0.0.1", port(said))) as caller:
                caller.sendall(words)
        assert (await asyncio.to_thread(ask, port(said)))[0] == 200


async def test_a_port_that_is_taken_is_refused_at_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        house = House(registry(), tmp_path, health_port=taken.getsockname()[1])
        with pytest.raises(Misconfigured, match="health_port"):
            await house.worker.start()


def test_before_it_is_registered_it_is_not_well() -> None:
    health = judge(None, 3.0, 0.0, unheard_s=20, stuck_s=20)
    assert (health.status, health.beat_age_s) == ("registering", None)
