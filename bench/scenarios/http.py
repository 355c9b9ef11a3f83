"""W2 and W3 over HTTP: durable submits per second, and how long an idle hub takes from submit to start."""

import asyncio
import json
import time

from bench.app import PAYLOAD
from bench.databases import Databases
from bench.http_load import post, request, submits_per_second
from bench.hub_process import HubProcess
from bench.measure import percentile

SUBMITS = {1: 1_000, 32: 6_000}
LATENCIES = 200
SLOTS = 20


class Http:
    name = "http"

    def run(self, databases: Databases) -> dict[str, float]:
        with databases.fresh() as url, HubProcess(url, slots=SLOTS) as hub:
            latencies_ms = asyncio.run(_latencies_ms(hub.port))
            figures = {
                "latency p50": percentile(latencies_ms, 0.5),
                "latency p95": percentile(latencies_ms, 0.95),
                "latency p99": percentile(latencies_ms, 0.99),
            }
            # Nobody serves this type, so what is measured is the submit, not the work.
            message = request("/tasks", {"type": "bench.unserved", "payload": PAYLOAD})
            for connections, total in SUBMITS.items():
                rate = asyncio.run(
                    submits_per_second(hub.port, message, connections=connections, total=total)
                )
                figures[f"http submit ×{connections}"] = rate
        return figures


async def _latencies_ms(port: int) -> list[float]:
    """From just before a submit is sent to the handler's first line, one at a time, on a hub with nothing else to do."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    message = request("/tasks", {"type": "bench.stamp"})
    sent = []
    for _ in range(LATENCIES):
        began = time.time()
        task = json.loads(await post(reader, writer, message))
        sent.append((began, task["id"]))
        await _result(port, task["id"])
    return [1000 * (await _result(port, task_id) - began) for began, task_id in sent]


async def _result(port: int, task_id: str) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            writer.write(f"GET /tasks/{task_id}/result HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            body = await reader.readexactly(length)
            if head.startswith(b"HTTP/1.1 200"):
                started: float = json.loads(body)["result"]
                return started
            await asyncio.sleep(0.005)
    finally:
        writer.close()
        await writer.wait_closed()
