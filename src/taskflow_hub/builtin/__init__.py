"""The task types we ship, usable without writing Python. One file per type; `register` says which there are."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from taskflow_hub.builtin.settings import FilesSettings
    from taskflow_hub.net.settings import NetSettings
    from taskflow_hub.worker.registry import Registry

CPU_QUEUE: Final = "cpu"
_HOUR_S: Final = 3600.0


def register(registry: "Registry", *, net: "NetSettings", files: "FilesSettings") -> None:
    """Teach a worker every built-in task type."""
    # Imported here, so that a child process that runs one handler does not import them all. What a handler needs beyond
    # the hub's own libraries it imports when it first runs.
    from taskflow_hub.builtin.demo import demo_fail, demo_noop, demo_sleep
    from taskflow_hub.builtin.file_compress import file_compress
    from taskflow_hub.builtin.file_hash import file_hash
    from taskflow_hub.builtin.http_request import http_request
    from taskflow_hub.builtin.image_compress import image_compress
    from taskflow_hub.builtin.web_title import web_title

    patience_s = net.total_timeout + 30  # the client gives up by itself, with a better message
    registry.add("web.title", web_title, timeout=patience_s)
    registry.add("http.request", http_request, timeout=patience_s)

    registry.add("file.hash", partial(file_hash, files=files), queue=CPU_QUEUE, cpu=True, timeout=6 * _HOUR_S)
    registry.add(
        "file.compress", partial(file_compress, files=files), queue=CPU_QUEUE, cpu=True, timeout=6 * _HOUR_S
    )
    registry.add(
        "image.compress", partial(image_compress, files=files), queue=CPU_QUEUE, cpu=True, timeout=_HOUR_S / 6
    )

    registry.add("demo.noop", demo_noop)
    registry.add("demo.sleep", demo_sleep, timeout=None)
    registry.add("demo.fail", demo_fail)


def formats(net: "NetSettings") -> dict[str, Callable[[str], str | None]]:
    """The formats that the built-in types' schemas speak of: each says what is wrong with a text, or None."""
    from taskflow_hub.builtin.http_request import STATUSES_FORMAT, statuses_problem
    from taskflow_hub.net import NAME_FORMAT, URL_FORMAT, VALUE_FORMAT, check_url, name_problem, value_problem

    return {
        URL_FORMAT: lambda url: check_url(url, net),
        NAME_FORMAT: name_problem,
        VALUE_FORMAT: value_problem,
        STATUSES_FORMAT: statuses_problem,
    }
