"""Traces, as a collector gets them from a server and a worker in processes of their own, with Redis between them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.hub_process import HubProcess
from tests.support.otlp import Collector, Span, collecting
from tests.support.ports import free_port
from tests.support.redis import redis_server

HERE = Path(__file__).parent
APP = "traces_app:hub"
SECRET = "rosebud-7f3a"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CARRIED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}


class Hub(NamedTuple):
    server: HubProcess
    worker: HubProcess
    collector: Collector

    def submit(
        self, type: str, payload: Any = None, *, trace: str = TRACE, flags: str = "01", **fields: Any
    ) -> str:
        body = {"type": type, "payload": payload or {}, **fields}
        answer = self.server.post("/tasks", body, headers={"traceparent": f"00-{trace}-{CALLER}-{flags}"})
        assert answer.status_code == 202, answer.text
        id: str = answer.json()["id"]
        return id

    def ended(self, task_id: str) -> dict[str, Any]:
        task = self.server.final(task_id)
        assert task["status"] == "success", task
        return task


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("traces")
    (folder / "worker").mkdir()
    with redis_server() as redis, collecting() as collector:
        environ = {
            "PYTHONPATH": str(HERE),
            "TASKFLOW_BROKER_URL": redis.url,
            "TASKFLOW_NET_ALLOW_PRIVATE": "127.0.0.1/32",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=ours",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with (
            HubProcess(folder, environ=environ, role=("server",)) as server,
            HubProcess(folder / "worker", app=APP, environ=environ, role=("worker", "run")) as worker,
        ):
            yield Hub(server, worker, collector)


def within(spans: list[Span], trace: str) -> list[Span]:
    return [span for span in spans if span.trace_id == trace]


def shape(spans: list[Span]) -> list[tuple[str, str, str, str]]:
    """(process, kind, name, name of the parent) of each."""
    names = {span.id: span.name for span in spans} | {CALLER: "the caller"}
    return sorted(
        (
            span.service.removeprefix("taskflow-"),
            span.kind,
            span.name,
            names.get(span.parent_id, span.parent_id),
        )
        for span in spans
    )


def test_one_trace_from_the_request_to_what_the_handler_asks_for(hub: Hub) -> None:
    task_id = hub.submit("traces.call", {"url": f"{hub.collector.url}/page", "secret": SECRET})
    result = hub.ended(task_id)["result"]
    assert (result["status"], result["trace"]) == (200, TRACE)
    spans = within(hub.collector.until(lambda spans: len(within(spans, TRACE)) == 6), TRACE)
    assert shape(spans) == [
        ("server", "PRODUCER", "publish traces.call", "submit traces.call"),
        ("server", "PRODUCER", "submit traces.call", "POST /tasks"),
        ("server", "SERVER", "POST /tasks", "the caller"),
        ("worker", "CLIENT", "GET", "process traces.call"),
        ("worker", "CLIENT", "receive traces.call", "publish traces.call"),
        ("worker", "CONSUMER", "process traces.call", "publish traces.call"),
    ]
    of = {span.name: span for span in spans}
    assert not any(span.links or span.error or span.events for span in spans)
    assert of["POST /tasks"].attributes == {
        "http.request.method": "POST", "http.route": "/tasks", "http.response.status_code": 202,
    }  # fmt: skip
    common = {
        "messaging.system": "taskflow", "messaging.destination.name": "default", "messaging.message.id": task_id,
        "taskflow.type": "traces.call",
    }  # fmt: skip
    for name, kind, more in (
        ("submit", "create", {}),
        ("publish", "send", {"taskflow.attempt": 1}),
        ("receive", "receive", {"taskflow.attempt": 1}),
        ("process", "process", {"taskflow.attempt": 1, "taskflow.outcome": "succeeded"}),
    ):
        wanted = {**common, "messaging.operation.name": name, "messaging.operation.type": kind, **more}
        assert of[f"{name} traces.call"].attributes == wanted
    assert hub.collector.asked[-1]["traceparent"] == f"00-{TRACE}-{of['GET'].id}-01"
    assert hub.server.task(task_id)["traceparent"] == f"00-{TRACE}-{of['submit traces.call'].id}-01"
    assert all(headers["x-tenant"] == "ours" for headers in hub.collector.told)


def test_a_built_in_type_carries_the_trace_on(hub: Hub) -> None:
    trace = "1" * 32
    hub.ended(hub.submit("web.title", {"url": f"{hub.collector.url}/{SECRET}?key={SECRET}"}, trace=trace))
    spans = within(hub.collector.until(lambda spans: len(within(spans, trace)) == 6), trace)
    (call,) = [span for span in spans if span.name == "GET"]
    host, port = hub.collector.url.removeprefix("http://").split(":")
    assert call.attributes == {
        "http.request.method": "GET", "http.response.status_code": 200,
        "url.scheme": "http", "server.address": host, "server.port": int(port),
    }  # fmt: skip
    assert hub.collector.asked[-1]["traceparent"] == f"00-{trace}-{call.id}-01"


def test_threads_and_child_processes_are_within_their_span(hub: Hub) -> None:
    trace = "2" * 32
    thread = hub.submit("traces.thread", {"url": hub.collector.url}, trace=trace)
    assert hub.ended(thread)["result"] == trace
    child = hub.submit("traces.child", trace=trace)
    told = hub.ended(child)["result"]
    assert (
        told
        == f"00-{trace}-{hub.collector.of_task(child, 'process traces.child')['process traces.child'].id}-01"
    )
    assert hub.collector.asked[-1]["traceparent"].startswith(f"00-{trace}-")


def test_what_a_handler_submits_belongs_to_its_trace(hub: Hub) -> None:
    trace = "3" * 32
    parent = hub.submit("traces.family", trace=trace)
    child = hub.ended(parent)["result"]
    hub.ended(child)
    leaf = hub.collector.of_task(child, "submit traces.leaf", "process traces.leaf")
    family = hub.collector.of_task(parent, "process traces.family")
    assert leaf["submit traces.leaf"].parent_id == family["process traces.family"].id
    assert {span.trace_id for span in (*leaf.values(), *family.values())} == {trace}


def test_a_retried_attempt_is_linked_and_tells_no_error_words(hub: Hub) -> None:
    trace = "4" * 32
    retry = {"kind": "fixed", "base": 0}
    task_id = hub.submit("traces.flaky", {"secret": SECRET}, trace=trace, retry=retry)
    hub.ended(task_id)

    def complete(spans: list[Span]) -> bool:
        """The server sends its own by itself, perhaps after the worker."""
        told = [span.name.partition(" ")[0] for span in spans if span.task == task_id]
        return all(
            told.count(name) == times for name, times in (("submit", 1), ("publish", 2), ("process", 2))
        )

    spans = hub.collector.until(complete)
    first, second = attempts(spans, task_id)
    assert (first.trace_id, first.error, first.attributes["error.type"]) == (
        trace,
        "LookupError",
        "LookupError",
    )
    assert (first.attributes["taskflow.outcome"], first.events) == ("failed", 0)
    again = {span.name: span for span in within(spans, second.trace_id)}
    submit = next(span for span in spans if span.task == task_id and span.name == "submit traces.flaky")
    publish = again["publish traces.flaky"]
    assert (publish.parent_id, publish.links) == ("", ((trace, submit.id),))
    assert second.parent_id == publish.id
    assert second.trace_id != trace


def attempts(spans: list[Span], task_id: str) -> list[Span]:
    found = [span for span in spans if span.task == task_id and span.name.startswith("process ")]
    return sorted(found, key=lambda span: span.attributes["taskflow.attempt"])


def test_delayed_work_is_linked(hub: Hub) -> None:
    trace = "5" * 32
    task_id = hub.submit("traces.leaf", trace=trace, delay=0.2)
    hub.ended(task_id)
    spans = hub.collector.of_task(task_id, "process traces.leaf", "publish traces.leaf", "submit traces.leaf")
    submit, publish = spans["submit traces.leaf"], spans["publish traces.leaf"]
    assert (submit.trace_id, publish.links) == (trace, ((trace, submit.id),))
    assert publish.trace_id == spans["process traces.leaf"].trace_id != trace


def test_the_tasks_of_a_batch_have_a_trace_each(hub: Hub) -> None:
    trace = "6" * 32
    body = {"tasks": [{"type": "traces.leaf"}, {"type": "traces.leaf"}]}
    answer = hub.server.post("/tasks/batch", body, headers={"traceparent": f"00-{trace}-{CALLER}-01"})
    request = within(hub.collector.until(lambda spans: bool(within(spans, trace))), trace)
    assert [(span.name, span.kind) for span in request] == [("POST /tasks/batch", "SERVER")]
    found = [
        hub.collector.of_task(one, "process traces.leaf", "submit traces.leaf")
        for one in answer.json()["ids"]
    ]
    for spans in found:
        submit = spans["submit traces.leaf"]
        assert (submit.parent_id, submit.links) == ("", ((trace, request[0].id),))
        assert {span.trace_id for span in spans.values()} == {submit.trace_id}
    assert len({spans["submit traces.leaf"].trace_id for spans in found}) == 2


def test_what_the_caller_does_not_sample_is_not_traced(hub: Hub) -> None:
    trace = "7" * 32
    task_id = hub.submit(
        "traces.flaky", {"secret": SECRET}, trace=trace, flags="00", retry={"kind": "fixed", "base": 0}
    )
    task = hub.ended(task_id)
    assert task["traceparent"].startswith(f"00-{trace}-")
    assert task["traceparent"].endswith("-00")
    after = hub.submit("traces.leaf", trace="8" * 32)
    spans = hub.collector.until(
        lambda spans: any(span.task == after and "process" in span.name for span in spans)
    )
    assert not [span for span in spans if span.task == task_id or span.trace_id == trace]


def test_nothing_of_a_payload_or_an_error_is_exported(hub: Hub) -> None:
    task_id = hub.submit(
        "traces.flaky", {"secret": SECRET}, trace="9" * 32, retry={"kind": "fixed", "base": 0}
    )
    hub.ended(task_id)
    hub.collector.until(lambda spans: len(attempts(spans, task_id)) == 2)
    assert b"messaging.message.id" in hub.collector.raw
    assert SECRET.encode() not in hub.collector.raw


def test_the_last_spans_are_sent_at_sigterm_and_a_dead_collector_changes_nothing(tmp_path: Path) -> None:
    with collecting() as collector:
        slow = {
            "PYTHONPATH": str(HERE),
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        with HubProcess(tmp_path, app=APP, environ=slow) as up:
            up.final(up.submit("traces.leaf")["id"])
            assert up.terminate() == 0
            assert {span.name for span in collector.spans} >= {
                "POST /tasks",
                "submit traces.leaf",
                "process traces.leaf",
            }
            assert {span.service for span in collector.spans} == {"taskflow-up"}
            dead = f"http://127.0.0.1:{free_port()}"
            up.environ |= {
                "OTEL_EXPORTER_OTLP_ENDPOINT": dead,
                "OTEL_BSP_SCHEDULE_DELAY": "50",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            }
            up.start()
            assert up.final(up.submit("traces.leaf")["id"])["status"] == "success"
            up.until_logs("the collector takes no spans")
            assert up.final(up.submit("traces.leaf")["id"])["status"] == "success"
            assert up.terminate() == 0
            assert up.output().count("the collector takes no spans") == 1
            assert "Traceback" not in up.output()


def test_without_an_endpoint_nothing_of_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "off_app.py").write_text(OFF)
    with HubProcess(tmp_path, app="off_app:hub", environ={"PYTHONPATH": str(tmp_path)}) as up:
        answer = up.post("/tasks", {"type": "off.modules"}, headers=CARRIED)
        task = up.final(answer.json()["id"])
        assert (task["result"], task["traceparent"]) == ([], CARRIED["traceparent"])


OFF = """
import sys
from taskflow_hub import Hub

hub = Hub()

@hub.task("off.modules")
async def modules() -> list[str]:
    ours = "taskflow_hub.tracing.spans"
    return [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", ours))]
"""


@pytest.mark.parametrize(
    ("variables", "hide", "says"),
    [
        ({}, True, "OTEL_EXPORTER_OTLP_ENDPOINT: is set, and what sends traces is not installed"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            False,
            "OTEL_EXPORTER_OTLP_PROTOCOL: traces are sent by http/protobuf",
        ),
    ],
    ids=["extra-missing", "grpc"],
)
def test_what_cannot_be_traced_does_not_start(
    tmp_path: Path, variables: dict[str, str], hide: bool, says: str
) -> None:
    start = "import sys; from taskflow_hub.cli.main import main; sys.exit(main())"
    if hide:  # as if the extra were not installed
        start = "import sys; sys.modules['opentelemetry.sdk'] = None; " + start
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
    run = subprocess.run(
        [sys.executable, "-c", start, "up", "--port", "0"],
        cwd=tmp_path,
        env={**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert says in run.stderr
    assert ("pip install 'taskflow-hub[otel]'" in run.stderr) is hide
    assert len(run.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
