"""The whole examination: gathers facts (examining.py), has them judged (domain/checkup), and puts the findings in order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct

from taskflow_hub import bootstrap, settings
from taskflow_hub.cli import examining
from taskflow_hub.cli.examining import Cause, Trouble, at_once
from taskflow_hub.domain.checkup.broker import RedisFacts, judge_redis
from taskflow_hub.domain.checkup.database import PostgresFacts, SqliteFacts, judge_postgres, judge_sqlite
from taskflow_hub.domain.checkup.exposure import judge_exposure
from taskflow_hub.domain.checkup.finding import Finding, ok, skipped, wrong
from taskflow_hub.domain.checkup.machine import Clock, judge_clock, judge_file, judge_files, judge_folder
from taskflow_hub.domain.checkup.processes import Seen, judge_processes
from taskflow_hub.domain.checkup.server import ServerFacts, judge_server
from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.settings import Loaded

T = TypeVar("T")

ADVICE: Final = {
    "settings": "Mend the setting that it names.",
    "secrets": "Mend what it names.",
    "files": "Mend what it names.",
    "database": "Start it, or mend database.url. Processes of the hub that run wait for it, and go on by themselves.",
    "broker": "Start it, or mend broker.url. Processes of the hub that run wait for it, and go on by themselves.",
    "server": "Start it, or mend the address (--server, TASKFLOW_SERVER, --profile).",
}
OURS: Final = "This is a fault in taskflow itself; please report it."


class Where(Struct, frozen=True):
    """Which server is asked, with which key; `named`: by whoever asks for the examination. `why_not`: it cannot be told."""

    url: str
    key: Any
    named: bool
    why_not: str | None = None


def diagnose(
    loaded: Loaded, environ: Mapping[str, str], where: Where, limit_s: float, *, any_wrong: bool
) -> list[Finding]:
    """`any_wrong`: of the settings, which has been told."""
    of = loaded.settings
    elsewhere = where.named and not _is_set(loaded, "database.url")
    looks: dict[str, Callable[[], Any]] = {
        "settings": lambda: [*judge_exposure(examining.exposure(of))],
        "secrets": lambda: [judge_file(file) for file in examining.kept_files(loaded, environ)],
        "files": lambda: _of_machine(of),
    }
    if where.why_not is None:
        looks["server"] = partial(examining.ask_server, where.url, where.key, limit_s)
    if not elsewhere or examining.database_file(of) is not None:
        looks["database"] = _look(bootstrap.database_look, of)
    if (broker := _look(bootstrap.broker_look, of)) is not None:
        looks["broker"] = broker
    brought = at_once(looks, limit_s)
    return [
        *_settings(loaded, brought["settings"], any_wrong=any_wrong),
        *_several("secrets", brought["secrets"]),
        *_several("files", brought["files"]),
        *_database(brought.get("database")),
        *_broker(brought.get("broker"), elsewhere=elsewhere),
        *_server(where, brought.get("server")),
        *map(judge_clock, _clocks(brought)),
        *_processes(brought, of.engine.dead_after),
    ]


def _of_machine(of: settings.Settings) -> list[Finding]:
    return [judge_files(examining.files(of))] + [
        one for folder in examining.folders(of) for one in judge_folder(folder)
    ]


def _settings(loaded: Loaded, brought: Any, *, any_wrong: bool) -> Iterator[Finding]:
    if not any_wrong:
        given = [origin for origin in loaded.origins.values() if origin != "default"]
        yield ok("settings", f"They can be read; {len(given)} of {len(loaded.origins)} are not the default")
    yield from _several("settings", brought)


def _several(check: str, brought: list[Finding] | Trouble) -> Iterable[Finding]:
    return [_trouble(check, brought)] if isinstance(brought, Trouble) else brought


def _database(brought: Any) -> Iterator[Finding]:
    match brought:
        case None:
            yield skipped("database", "None is set here; the server is asked how its own is")
        case SqliteFacts():
            yield from judge_sqlite(brought)
        case PostgresFacts():
            yield from judge_postgres(brought)
        case Trouble():
            yield _trouble("database", brought)
            yield skipped("schema", "Not known while the database does not answer")


def _broker(brought: Any, *, elsewhere: bool) -> Iterator[Finding]:
    match brought:
        case None if elsewhere:
            yield skipped("broker", "None is set here; the server is asked how its own is")
        case None:
            yield ok("broker", "local: engine and worker share one process")
        case Trouble():
            yield _trouble("broker", brought)
        case _:
            for node in brought:
                yield from judge_redis(node)


def _server(where: Where, brought: Any) -> Iterator[Finding]:
    match brought:
        case None:
            yield wrong("server", where.why_not or "", ADVICE["server"])
        case ServerFacts():
            yield from judge_server(brought)
        case Trouble(cause=Cause.AWAY) if not where.named:
            yield skipped(
                "server", f"{where.url}: {brought.text}; no hub runs here, or --server names another"
            )
        case Trouble():
            yield _trouble("server", Trouble(f"{where.url}: {brought.text}", brought.cause))


def _clocks(brought: Mapping[str, Any]) -> Iterator[Clock]:
    match brought.get("database"):
        case PostgresFacts(ahead_s=ahead_s, unsure_s=unsure_s):
            yield Clock("database", ahead_s, unsure_s)
    match brought.get("broker"):
        case [RedisFacts(), *_] as nodes:
            worst = max(nodes, key=lambda node: abs(node.ahead_s))
            yield Clock("broker", worst.ahead_s, worst.unsure_s)
    match brought.get("server"):
        case ServerFacts(ahead_s=float(ahead_s), unsure_s=unsure_s):
            yield Clock("server", ahead_s, unsure_s)


def _processes(brought: Mapping[str, Any], dead_after_s: float) -> Iterable[Finding]:
    facts = {type(one) for one in brought.values()} & {SqliteFacts, PostgresFacts, ServerFacts}
    if not facts:
        return [skipped("processes", "Not known: neither a database nor a server has answered")]
    return judge_processes(_seen(brought), bootstrap.VERSION, dead_after_s)


def _seen(brought: Mapping[str, Any]) -> list[Seen]:
    """The database knows of workers that a server may not show."""
    seen: list[Seen] = []
    server, database = brought.get("server"), brought.get("database")
    if isinstance(server, ServerFacts):
        seen.append(Seen("server", server.url, server.version))
    if isinstance(database, SqliteFacts | PostgresFacts):
        seen += database.workers
    elif isinstance(server, ServerFacts):
        seen += server.workers or ()
    return seen


def _trouble(check: str, trouble: Trouble) -> Finding:
    if trouble.cause is Cause.OURS:
        return wrong(check, trouble.text, OURS)
    return wrong(check, trouble.text, ADVICE["settings" if trouble.cause is Cause.SETTING else check])


def _is_set(loaded: Loaded, name: str) -> bool:
    return loaded.origins[name] != "default"


def _look(made: Callable[[settings.Settings], T], of: settings.Settings) -> T | Callable[[], Any]:
    """Made here, for threads that import side by side may be in each other's way. Why it cannot be is what it comes to."""
    try:
        return made(of)
    except Misconfigured as error:
        return partial(_raise, error)


def _raise(error: Exception) -> None:
    raise error
