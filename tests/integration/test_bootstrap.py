"""How a process is put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from taskflow_hub import bootstrap, settings
from taskflow_hub.engine.engine import Engine
from taskflow_hub.http import server
from taskflow_hub.http.settings import HttpSettings
from taskflow_hub.worker.registry import Registry


async def test_the_api_opens_when_the_types_of_its_worker_are_known(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A submit before that would be given the defaults of a type nobody knows, and its payload would not be checked."""
    engines: list[Engine] = []
    known: list[set[str]] = []
    serving = server.serving

    @asynccontextmanager
    async def watched(app: FastAPI, http: HttpSettings) -> AsyncIterator[str]:
        known.append({declared.type for declared in await engines[0].types.all()})
        async with serving(app, http) as url:
            yield url

    monkeypatch.setattr(server, "serving", watched)
    registry = Registry()
    registry.add("mail.send", lambda: None)
    given: dict[str, Any] = {"database.url": database_url, "http.port": 0, "worker.lock_dir": tmp_path}
    loaded = settings.load(given, environ={}).settings
    async with bootstrap.running(loaded, registry, on_engine=engines.append):
        assert known == [{"mail.send"}]
