"""Ask a worker's health port, as a container's probe does."""

import http.client
import json
from typing import Final

from taskflow_hub import settings
from taskflow_hub.cli.exits import FAILED
from taskflow_hub.cli.terminal import clean, say
from taskflow_hub.domain.errors import Misconfigured, Unavailable

PATIENCE_S: Final = 5.0
HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (where to ask, not where to listen)


def probe(port: int | None) -> int:
    """The exit status. Raises Misconfigured without a port, Unavailable when nobody answers there."""
    worker = settings.load().settings.worker
    asked = worker.health_port if port is None else port
    if not asked:
        raise Misconfigured("which port? Set TASKFLOW_WORKER_HEALTH_PORT, for the worker too, or say --port")
    host = HERE.get(worker.health_host, worker.health_host)
    connection = http.client.HTTPConnection(host, asked, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        health = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"No worker answers on {host}:{asked}: {error}") from None
    finally:
        connection.close()
    age = "never" if health["beat_age_s"] is None else f"{health['beat_age_s']:.1f} s ago"
    say(
        f"Worker {clean(str(health['worker']))}: {clean(health['status'])}; last heard {age}, "
        f"loop stands for {health['loop_lag_s']:.1f} s"
    )
    return 0 if answer.status == 200 else FAILED
