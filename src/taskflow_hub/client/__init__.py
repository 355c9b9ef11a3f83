"""The Python client over HTTP: `Client` for asyncio, `SyncClient` for everything else, the same methods in both.

One description of every request and conversation (plan.py, api.py), two thin transports. Names are imported when first used,
so that who needs one client does not wait for the other.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskflow_hub.client.aio_client import Client
    from taskflow_hub.client.model import Bulk, BulkAction, Login, Me, Queue, SecretKey, Task, Workflow
    from taskflow_hub.client.schedules import Fire, Schedule
    from taskflow_hub.client.sync_client import SyncClient
    from taskflow_hub.client.tasks import NewTask, SubmitOptions

__all__ = [
    "Bulk",
    "BulkAction",
    "Client",
    "Fire",
    "Login",
    "Me",
    "NewTask",
    "Queue",
    "Schedule",
    "SecretKey",
    "SubmitOptions",
    "SyncClient",
    "Task",
    "Workflow",
]

_HOMES = {
    "Bulk": "model",
    "BulkAction": "model",
    "Client": "aio_client",
    "Fire": "schedules",
    "Login": "model",
    "Me": "model",
    "NewTask": "tasks",
    "Queue": "model",
    "Schedule": "schedules",
    "SecretKey": "model",
    "SubmitOptions": "tasks",
    "SyncClient": "sync_client",
    "Task": "model",
    "Workflow": "model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
