"""A worker tells probes how it is, whatever its handlers do."""

import asyncio
import http.client
import json
import logging
import re
import socket
from pathlib import Path
from typing import Any, get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.worker_handlers import registry
from tests.integration.worker_house import LONG_S, House

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.domain.messages import Ending, Failed, How
from taskflow_hub.domain.model import AttemptOutcome, TaskError
from taskflow_hub.worker.health import judge
from taskflow_hub.worker.metrics import OUTCOMES, Numbers, exposition, outcome_of


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


def scrape(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG_S)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
        return answer.read().decode()
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


async def test_metrics_are_told_beside_its_health(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    async with House(registry(), tmp_path, health_port=0) as house:
        await house.beat()
        text = await asyncio.to_thread(scrape, port(said))
        found = {family.name: family for family in text_string_to_metric_families(text)}
        slots = {one.labels["state"]: one.value for one in found["taskflow_worker_process_slots"].samples}
        assert (slots["busy"], slots["free"] > 0) == (0, True)
        assert found["taskflow_worker_healthy"].samples[0].value == 1
        assert found["taskflow_worker_attempts"].documentation
        assert "process_resident_memory_bytes" in found
        assert (await asyncio.to_thread(ask, port(said)))[1]["status"] == "ok", "any other path is its health"


def test_what_has_ended_is_counted_by_outcome() -> None:
    health = judge("w", 1.5, 0.0, unheard_s=20, stuck_s=20)
    numbers = Numbers(slots=4, running=5, waiting=2, unacknowledged=3, ended={AttemptOutcome.TIMEOUT: 7})
    text = exposition("1.2.3", numbers, health).decode()
    for line in (
        'taskflow_worker_process_slots{state="busy"} 4.0',
        'taskflow_worker_process_slots{state="free"} 0.0',
        'taskflow_worker_held{state="running"} 5.0',
        'taskflow_worker_held{state="waiting"} 2.0',
        'taskflow_worker_held{state="unacknowledged"} 3.0',
        'taskflow_worker_attempts_total{outcome="timeout"} 7.0',
        "taskflow_worker_beat_age_seconds 1.5",
        'taskflow_build_info{version="1.2.3"} 1.0',
    ):
        assert line in text.splitlines(), line


@pytest.mark.parametrize("kind", get_args(Ending))
def test_every_report_that_ends_an_attempt_has_an_outcome(kind: type[Ending]) -> None:
    assert kind in OUTCOMES


def test_a_timeout_is_told_apart() -> None:
    def failed(how: How) -> Failed:
        return Failed(worker="w", n=1, id="t", attempt=1, ran_s=1.0, how=how, error=TaskError("E", "m"))

    assert outcome_of(failed(How.TIMEOUT)) is AttemptOutcome.TIMEOUT
    assert outcome_of(failed(How.RAISED)) is AttemptOutcome.FAILED


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
