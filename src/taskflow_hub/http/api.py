"""What every route can reach: the engine and what the API knows of itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from taskflow_hub.engine.engine import Engine
from taskflow_hub.http.lifetime import Lifetime
from taskflow_hub.http.nudges import Nudges
from taskflow_hub.http.settings import HttpSettings
from taskflow_hub.redaction import SettingsSection

Checks = Callable[[], Awaitable[Mapping[str, str]]]  # by name: "ok", or what is wrong


@dataclass(frozen=True)
class Api:
    engine: Engine
    settings: HttpSettings
    lifetime: Lifetime
    nudges: Nudges
    ready: Checks
    shown: Sequence[SettingsSection]  # as they may be seen


def api_of(request: HTTPConnection) -> Api:
    api: Api = request.app.state.api
    return api
