"""Looks at what a hub is made of, all at once, each for so long at most; what one look comes to is no other's business."""

import contextlib
import email.utils
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
from msgspec import Struct

from taskflow_hub import bootstrap, lockfile, redaction, settings
from taskflow_hub.client import transport
from taskflow_hub.domain.checkup.exposure import Exposure
from taskflow_hub.domain.checkup.machine import Files, Folder, KeptFile
from taskflow_hub.domain.checkup.processes import Seen
from taskflow_hub.domain.checkup.server import ServerFacts
from taskflow_hub.domain.clock import utc_now
from taskflow_hub.domain.errors import Misconfigured, TaskflowError, Unavailable
from taskflow_hub.settings import Loaded, Settings

T = TypeVar("T")

MOUNTED: Final = Path("/run/secrets")  # where containers are given them
WITHOUT_BOUND: Final = 1 << 20


class Cause(Enum):
    AWAY = 1  # what was looked for is not there, does not answer, or is not well
    SETTING = 2  # it was looked for in the wrong place
    OURS = 3  # the look itself is at fault


class Trouble(Struct, frozen=True):
    """Why there are no facts."""

    text: str
    cause: Cause = Cause.AWAY


def at_once(looks: Mapping[str, Callable[[], Any]], limit_s: float) -> dict[str, Any]:
    """What each look has brought, or Trouble; never longer than the limit."""
    brought: dict[str, Any] = {}
    threads = {
        # Nobody waits for one that hangs, not even the end of the process.
        name: threading.Thread(target=_look, args=(name, look, brought), name=f"taskflow-{name}", daemon=True)
        for name, look in looks.items()
    }
    for thread in threads.values():
        thread.start()
    give_up = time.monotonic() + limit_s
    for thread in threads.values():
        thread.join(max(give_up - time.monotonic(), 0))
    late = Trouble(f"It has not answered within {limit_s:g} s.")
    return {name: brought.get(name, late) for name in looks}


def _look(name: str, look: Callable[[], Any], brought: dict[str, Any]) -> None:
    try:
        brought[name] = look()
    except Misconfigured as error:
        brought[name] = Trouble(error.detail, Cause.SETTING)
    except TaskflowError as error:
        brought[name] = Trouble(error.detail)
    except OSError as error:
        brought[name] = Trouble(
            f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        )
    except Exception as error:  # a fault of this look, which shall not hide what the others see
        brought[name] = Trouble(f"{type(error).__name__}: {error}", Cause.OURS)


def exposure(of: Settings) -> Exposure:
    broker = of.broker.url
    return Exposure(
        host=of.http.host,
        loopback=of.http.is_loopback,
        accounts=of.auth.secret is not None,
        open_registration=of.auth.registration == "open",
        proxies=bool(of.http.trusted_proxies),
        names=of.http.allowed_hosts,
        private_net=of.net.allow_private.private,
        broker_password=_has_password(broker),
        broker_elsewhere=broker.startswith(("redis:", "rediss:")) and not _is_here(broker),
    )


def kept_files(loaded: Loaded, environ: Mapping[str, str], file: Path = settings.FILE) -> Iterator[KeptFile]:
    """Files that hold something secret: the settings' own, those that variables name, and the database beside accounts."""
    secret = [
        name
        for name, origin in loaded.origins.items()
        if origin == "file"
        and redaction.HIDDEN in str(redaction.shown(name, settings.value_of(loaded.settings, name)))
    ]
    if secret:
        yield _kept(file, f"with {', '.join(secret)}")
    for name, path in sorted(environ.items()):
        if name.startswith(settings.PREFIX) and name.endswith("_FILE") and path:
            yield _kept(Path(path), name)
    database = database_file(loaded.settings)
    if loaded.settings.auth.secret and database is not None:
        yield _kept(database, "the database, with the tasks of all accounts")


def database_file(of: Settings) -> Path | None:
    """None where there is none, or its URL cannot be read, which the look at the database tells."""
    try:
        file = bootstrap.database_file(of)
    except Misconfigured:
        return None
    return file if file is not None and file.exists() else None


def _kept(path: Path, named_by: str) -> KeptFile:
    mode = path.stat().st_mode if os.access(path, os.R_OK) else None
    return KeptFile(str(path), named_by, mode, mounted=path.resolve().is_relative_to(MOUNTED))


def files(of: Settings) -> Files:
    soft, hard = (
        WITHOUT_BOUND if bound == resource.RLIM_INFINITY else bound
        for bound in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    shared = not of.http.is_loopback or bool(of.http.allowed_hosts)
    return Files(soft, hard, of.http.max_connections, shared)


def folders(of: Settings) -> Iterator[Folder]:
    """Where a hub writes, beside its database."""
    with contextlib.suppress(
        Misconfigured
    ):  # a URL that cannot be read, which the look at the database tells
        yield _folder("large results", bootstrap.results_dir(of))
    locks = lockfile.lock_dir(of.worker.lock_dir)
    if locks.exists() and not lockfile.is_ours(locks):
        why_not = "must belong to this user, with access for nobody else (0700)"
        yield Folder("lock files of workers", str(locks), None, why_not)
    if of.files.root is not None and not of.files.root.is_dir():
        yield Folder("files.root", str(of.files.root), None, "is no folder")


def _folder(room: str, path: Path) -> Folder:
    """It is made when it is needed: so its parent counts as well."""
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    if not there.is_dir():
        return Folder(room, str(path), None, f"{there} is no folder")
    why_not = None if os.access(there, os.W_OK | os.X_OK) else f"this user may not write to {there}"
    return Folder(room, str(path), shutil.disk_usage(there).free, why_not)


def ask_server(url: str, key: Any, limit_s: float) -> ServerFacts:
    """Raises Unavailable when nobody answers there, or something that is no hub."""
    with httpx.Client(**transport.options(url, key, limit_s)) as client:
        try:
            began, before = time.monotonic(), utc_now()
            ready = client.get("readyz", params={"verbose": "true"})
            way_s = (time.monotonic() - began) / 2
            about, workers = client.get("openapi.json"), client.get("workers")
        except httpx.HTTPError as error:
            raise Unavailable(transport.broken(error).detail) from None
    try:
        said = ready.json()
        checks = {str(name): str(state) for name, state in said["checks"].items()}
        version = str(about.json()["info"]["version"])
        seen = _workers(workers.json()["items"]) if workers.status_code == 200 else None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unavailable(
            f"What answers there is no hub: GET /readyz was answered {ready.status_code}."
        ) from None
    date = email.utils.parsedate_to_datetime(ready.headers["date"]) if "date" in ready.headers else None
    return ServerFacts(
        url=url,
        version=version,
        checks=checks,
        warnings=tuple(said.get("warnings", ())),
        workers=seen,
        # It is told in whole seconds, cut off.
        ahead_s=None if date is None else (date - before).total_seconds() + 0.5 - way_s,
        unsure_s=way_s + 0.5,
    )


def _workers(items: Any) -> tuple[Seen, ...]:
    return tuple(Seen("worker", f"{one['name']} on {one['host']}", one["version"]) for one in items)


def _has_password(url: str) -> bool:
    return redaction.HIDDEN in redaction.without_secrets(url)


def _is_here(url: str) -> bool:
    host = url.partition("://")[2].rpartition("@")[2].partition("/")[0].rpartition(":")[0]
    return host in {"", "localhost", "127.0.0.1", "[::1]"}
