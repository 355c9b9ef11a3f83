"""TaskFlow Hub: background work you can trust.

    from taskflow_hub import Hub, Context

    hub = Hub()

    @hub.task("email.welcome", max_retries=5, timeout=30)
    async def welcome(user_id: int, ctx: Context) -> dict: ...

    handle = await welcome.submit(user_id=42)

Names are imported when first used, so that `import taskflow_hub` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskflow_hub.client import Client, SyncClient
    from taskflow_hub.domain.ended import TaskCancelled, TaskFailed, WorkflowCancelled, WorkflowFailed
    from taskflow_hub.domain.errors import (
        Conflict,
        Gone,
        IdempotencyMismatch,
        Invalid,
        Misconfigured,
        NotAllowed,
        NotFound,
        QueueFull,
        QuotaExceeded,
        StoreUnavailable,
        TaskflowError,
        Unavailable,
        UniqueConflict,
    )
    from taskflow_hub.domain.lifecycle import State
    from taskflow_hub.domain.model import Task
    from taskflow_hub.domain.outcomes import Fail, Retry, Snooze
    from taskflow_hub.domain.retry import RetryKind, RetryPolicy
    from taskflow_hub.domain.steps import Event
    from taskflow_hub.domain.submission import Limit, OnConflict, Submission, Unique
    from taskflow_hub.domain.webhooks import BadSignature, new_webhook_secret, sign_webhook, verify_webhook
    from taskflow_hub.hub import Hub
    from taskflow_hub.hub.bound import BoundHandler, SubmitOptions
    from taskflow_hub.hub.expressions import INDEX, INPUT, ITEM, WORKFLOW
    from taskflow_hub.hub.handle import TaskHandle
    from taskflow_hub.hub.nodes import FanOut, Node
    from taskflow_hub.hub.workflow import Workflow, task
    from taskflow_hub.hub.workflow_handle import WorkflowHandle
    from taskflow_hub.net.allow import AllowPrivate
    from taskflow_hub.net.client import Answer, GuardedClient
    from taskflow_hub.net.errors import (
        BadAnswer,
        NetError,
        RefusedUrl,
        TimedOut,
        TooLarge,
        TooManyRedirects,
        Unreachable,
    )
    from taskflow_hub.net.settings import NetSettings
    from taskflow_hub.net.url import OutboundUrl
    from taskflow_hub.worker.context import Context
    from taskflow_hub.worker.durable import NodeInput
    from taskflow_hub.worker.secret import Secret
    from taskflow_hub.worker.suspending import AttemptSuspended, EventTimeout

_HOMES = {
    "AllowPrivate": "net.allow",
    "Answer": "net.client",
    "AttemptSuspended": "worker.suspending",
    "BadAnswer": "net.errors",
    "BadSignature": "domain.webhooks",
    "BoundHandler": "hub.bound",
    "Client": "client",
    "Conflict": "domain.errors",
    "Context": "worker.context",
    "Event": "domain.steps",
    "EventTimeout": "worker.suspending",
    "Fail": "domain.outcomes",
    "FanOut": "hub.nodes",
    "Gone": "domain.errors",
    "GuardedClient": "net.client",
    "Hub": "hub",
    "INDEX": "hub.expressions",
    "INPUT": "hub.expressions",
    "ITEM": "hub.expressions",
    "IdempotencyMismatch": "domain.errors",
    "Invalid": "domain.errors",
    "Limit": "domain.submission",
    "Misconfigured": "domain.errors",
    "NetError": "net.errors",
    "NetSettings": "net.settings",
    "Node": "hub.nodes",
    "NodeInput": "worker.durable",
    "NotAllowed": "domain.errors",
    "NotFound": "domain.errors",
    "OnConflict": "domain.submission",
    "OutboundUrl": "net.url",
    "QueueFull": "domain.errors",
    "QuotaExceeded": "domain.errors",
    "RefusedUrl": "net.errors",
    "Retry": "domain.outcomes",
    "RetryKind": "domain.retry",
    "RetryPolicy": "domain.retry",
    "Secret": "worker.secret",
    "Snooze": "domain.outcomes",
    "State": "domain.lifecycle",
    "StoreUnavailable": "domain.errors",
    "Submission": "domain.submission",
    "SubmitOptions": "hub.bound",
    "SyncClient": "client",
    "Task": "domain.model",
    "TaskCancelled": "domain.ended",
    "TaskFailed": "domain.ended",
    "TaskHandle": "hub.handle",
    "TaskflowError": "domain.errors",
    "TimedOut": "net.errors",
    "TooLarge": "net.errors",
    "TooManyRedirects": "net.errors",
    "Unavailable": "domain.errors",
    "Unique": "domain.submission",
    "UniqueConflict": "domain.errors",
    "Unreachable": "net.errors",
    "WORKFLOW": "hub.expressions",
    "Workflow": "hub.workflow",
    "WorkflowCancelled": "domain.ended",
    "WorkflowFailed": "domain.ended",
    "WorkflowHandle": "hub.workflow_handle",
    "new_webhook_secret": "domain.webhooks",
    "sign_webhook": "domain.webhooks",
    "task": "hub.workflow",
    "verify_webhook": "domain.webhooks",
}

__all__ = [
    "INDEX",
    "INPUT",
    "ITEM",
    "WORKFLOW",
    "AllowPrivate",
    "Answer",
    "AttemptSuspended",
    "BadAnswer",
    "BadSignature",
    "BoundHandler",
    "Client",
    "Conflict",
    "Context",
    "Event",
    "EventTimeout",
    "Fail",
    "FanOut",
    "Gone",
    "GuardedClient",
    "Hub",
    "IdempotencyMismatch",
    "Invalid",
    "Limit",
    "Misconfigured",
    "NetError",
    "NetSettings",
    "Node",
    "NodeInput",
    "NotAllowed",
    "NotFound",
    "OnConflict",
    "OutboundUrl",
    "QueueFull",
    "QuotaExceeded",
    "RefusedUrl",
    "Retry",
    "RetryKind",
    "RetryPolicy",
    "Secret",
    "Snooze",
    "State",
    "StoreUnavailable",
    "Submission",
    "SubmitOptions",
    "SyncClient",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TaskHandle",
    "TaskflowError",
    "TimedOut",
    "TooLarge",
    "TooManyRedirects",
    "Unavailable",
    "Unique",
    "UniqueConflict",
    "Unreachable",
    "Workflow",
    "WorkflowCancelled",
    "WorkflowFailed",
    "WorkflowHandle",
    "new_webhook_secret",
    "sign_webhook",
    "task",
    "verify_webhook",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
