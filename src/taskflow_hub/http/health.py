"""Is the hub able to do its work? Asked by load balancers and by people; each check says "ok", or what is wrong."""

from msgspec import UNSET

from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.http.api import Api
from taskflow_hub.http.schemas import Readiness


async def readiness(api: Api, *, verbose: bool) -> Readiness:
    checks = {
        "api": "shutting down" if api.lifetime.closing else "ok",
        "store": await _store(api),
        "broker": await _broker(api),
        "loops": _loops(api),
        **await api.ready(),
    }
    well = all(state == "ok" for state in checks.values())
    return Readiness("ready" if well else "unready", checks, await _warnings(api) if verbose else UNSET)


async def _store(api: Api) -> str:
    try:
        await api.engine.store.ping()
    except TaskflowError as error:
        return error.detail
    return "ok"


async def _warnings(api: Api) -> list[str]:
    try:
        return await api.engine.store.warnings()
    except TaskflowError:
        return []  # the check has said why


async def _broker(api: Api) -> str:
    try:
        await api.engine.broker.reachable()
    except TaskflowError as error:
        return error.detail
    return "ok"


def _loops(api: Api) -> str:
    """Those who wait tell of what the store's own check does not see: a database on a full disk is read as ever."""
    stopped = [type(loop).__name__.lower() for loop in api.engine.loops if not loop.running]
    if stopped:
        return f"not running: {', '.join(stopped)}"
    waiting = {loop.waits_for for loop in api.engine.loops if loop.waits_for is not None}
    return f"waiting: {'; '.join(sorted(waiting))}" if waiting else "ok"
