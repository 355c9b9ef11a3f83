"""What this process runs with, for admins."""

import os
import platform
import socket

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import gives
from taskflow_hub.http.identify import allow
from taskflow_hub.http.settings_schemas import SettingsView

router = APIRouter(tags=["meta"])


@router.get("/settings", responses={200: gives(SettingsView, "Every setting, without secrets.")})
async def get_settings(request: Request) -> Response:
    """The settings of the process that answers, by section: their values, where they come from, and what they mean."""
    allow(request, Scope.ADMIN)
    api = api_of(request)
    store = await api.engine.store.describe()
    return Json(
        SettingsView(
            version=api.engine.version,
            python=platform.python_version(),
            host=socket.gethostname(),
            pid=os.getpid(),
            store=store.kind,
            store_version=store.version,
            schema_version=store.schema_version,
            sections=list(api.shown),
        )
    )
