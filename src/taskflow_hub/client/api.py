"""Everything a client can ask, and the server it asks."""

import os
from typing import Final
from urllib.parse import urlsplit

from taskflow_hub.client.access import AccessPlans
from taskflow_hub.client.audit import AuditPlans
from taskflow_hub.client.following import FollowPlans
from taskflow_hub.client.limits import LimitPlans
from taskflow_hub.client.operating import OperatorPlans
from taskflow_hub.client.quotas import QuotaPlans
from taskflow_hub.client.schedules import SchedulePlans
from taskflow_hub.client.workflows import WorkflowPlans
from taskflow_hub.domain.errors import Misconfigured

SERVER_VARIABLE: Final = "TASKFLOW_SERVER"
DEFAULT_SERVER: Final = "http://127.0.0.1:8080"


class Api(
    FollowPlans, WorkflowPlans, OperatorPlans, LimitPlans, QuotaPlans, SchedulePlans, AccessPlans, AuditPlans
):
    """The plans behind the methods of both clients."""


def server_url(given: str | None) -> str:
    """Where the hub is: as given, else TASKFLOW_SERVER, else the default. Raises Misconfigured for what is no HTTP address."""
    written = given or os.environ.get(SERVER_VARIABLE) or DEFAULT_SERVER
    url = written if "://" in written else f"http://{written}"
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        plain = not (parts.query or parts.fragment or parts.username is not None)
    except ValueError:
        good = plain = False
    if not (good and plain):
        raise Misconfigured(f"{written!r} is not the address of a hub; write it like {DEFAULT_SERVER}")
    return url.rstrip("/")
