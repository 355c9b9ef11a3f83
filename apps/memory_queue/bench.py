"""How many submits a second are answered, and what that does to memory: `make bench`.

Starts the service, sends it `POST /enqueue` over keep-alive connections for some seconds, on each the next as soon as the last
is answered, and counts what comes back. Client and server share the machine.
"""

import argparse
import asyncio
import contextlib
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

SOURCE = Path(__file__).parent / "src"


@contextlib.asynccontextmanager
async def service(**settings: str) -> AsyncIterator[tuple[int, int]]:
    """A service of its own: process id and port. Its log goes nowhere."""
    read, write = os.pipe()
    environ = {**os.environ, "PYTHONPATH": str(SOURCE), "PORT": "0", **settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "memory_queue", env=environ, stderr=write
    )
    os.close(write)
    log = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(log), os.fdopen(read))
    port = re.search(rb"http://[^ ]*:(\d+)", await log.readline())
    assert port, "the service did not start"
    swallow = asyncio.create_task(_swallow(log))
    try:
        yield process.pid, int(port[1])
    finally:
        process.kill()
        await process.wait()
        await swallow
        transport.close()


async def _swallow(log: asyncio.StreamReader) -> None:
    while await log.read(65_536):
        pass


def resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def send(
    port: int, until: float, payload: str, number: int, counts: Counter[int], took_s: list[float]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(sys.maxsize):
        began = time.perf_counter()
        if began > until:
            break
        body = f'{{"id":"{number}-{turn}","payload":"{payload}"}}'.encode()
        writer.write(
            b"POST /enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length
        await reader.readexactly(int(length[1]))
        counts[int(head[9:12])] += 1
        took_s.append(time.perf_counter() - began)
    writer.close()


async def measure(seconds: float, connections: int, payload_bytes: int) -> None:
    counts, took_s = Counter[int](), list[float]()
    async with service() as (pid, port):
        before = resident_kib(pid)
        began = time.perf_counter()
        payload = "x" * payload_bytes
        await asyncio.gather(
            *(send(port, began + seconds, payload, n, counts, took_s) for n in range(connections))
        )
        lasted = time.perf_counter() - began
        after = resident_kib(pid)
    cuts = statistics.quantiles(took_s, n=100)
    print(
        f"answered      {counts.total() / lasted:.0f} requests/s over {connections} connections, {lasted:.1f} s"
    )
    print(f"with          {', '.join(f'{status}: {count}' for status, count in sorted(counts.items()))}")
    print(f"within        {cuts[49] * 1000:.1f} ms median, {cuts[98] * 1000:.1f} ms at the 99th percentile")
    print(f"memory        {before / 1024:.1f} MiB before, {after / 1024:.1f} MiB after")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--payload", type=int, default=100, help="bytes")
    given = parser.parse_args()
    asyncio.run(measure(given.seconds, given.connections, given.payload))
