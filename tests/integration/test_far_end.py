"""What the integration suites stand on where server and workers are apart: tests/support/far_end.py."""

import asyncio
import subprocess
import sys
from urllib.parse import urlsplit

import psutil
import pytest
from tests.support.far_end import ROOT, FarProcess
from tests.support.grounds import BY_HAND, open_ends

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import Drain, Retire

LONG_S = 60.0
STARTS_ONE = """
import asyncio, sys
from tests.support.far_end import FarProcess
from tests.support.grounds import BY_HAND

async def use(process):
    async with process.broker(sys.argv[1], BY_HAND) as broker:
        worker = broker.worker_side()
        await worker.open("w1")
        print("it is open", flush=True)
        await worker.take(1, 3600)

with FarProcess.start() as process:
    asyncio.run(use(process))
"""


async def test_the_far_end_has_connections_of_its_own_from_another_process(
    redis_url: str, far_process: FarProcess
) -> None:
    async with far_process.broker(redis_url, BY_HAND):
        theirs = psutil.Process(far_process.pid).net_connections("tcp")
        assert {connection.raddr.port for connection in theirs} == {urlsplit(redis_url).port}


async def test_a_cancelled_take_takes_nothing_along(redis_url: str, far_process: FarProcess) -> None:
    async with open_ends(redis_url, far_process, far="workers") as ends:
        server, worker = ends.server.engine_side(lambda: None), ends.workers.worker_side()
        await worker.open("w1")
        taking = asyncio.create_task(worker.take(10, LONG_S))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(taking, 0.1)
        await server.tell("w1", Drain())
        assert await worker.take(10, LONG_S) == [Drain()]


async def test_what_is_raised_there_is_raised_here(redis_url: str, far_process: FarProcess) -> None:
    async with far_process.broker(redis_url, BY_HAND) as broker:
        with pytest.raises(Unavailable, match="no engine has answered Retire within"):
            await broker.worker_side().call(Retire(worker="w1"), timeout_s=0.1)


def test_it_ends_with_whoever_started_it_when_that_is_killed(redis_url: str) -> None:
    """Its output goes where that one's goes: the end of it is the end of both."""
    command = [sys.executable, "-c", STARTS_ONE, redis_url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"it is open\n"
        program.kill()
        assert program.stdout.read() == b""
