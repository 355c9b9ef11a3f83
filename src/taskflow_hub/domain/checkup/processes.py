"""Of the hub's processes: are they of one version?"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from taskflow_hub.domain.checkup.finding import Finding, ok, warning


class Seen(Struct, frozen=True):
    """A process of the hub. `silent_s`: since it was last heard of; None: it has just answered."""

    role: str  # worker, server
    name: str
    version: str
    silent_s: float | None = None


def judge_processes(seen: Sequence[Seen], version: str, dead_after_s: float) -> Iterator[Finding]:
    """`version` is this program's. A worker that is silent for longer than `dead_after_s` is on its way out."""
    silent = [one for one in seen if one.silent_s is not None and one.silent_s > dead_after_s]
    live = [one for one in seen if one not in silent]
    if silent:
        yield warning(
            "processes",
            f"Silent for more than {dead_after_s:g} s: {_named(silent)}",
            "If a server runs, it takes their tasks from them in a moment. If none does, start one; nothing is lost.",
        )
    if not live:
        yield ok("processes", f"None runs; this is version {version}")
        return
    others = sorted({one.version for one in live} - {version})
    if not others:
        yield ok("processes", f"All of version {version}: {_named(live)}")
        return
    odd = [one for one in live if one.version != version]
    yield warning(
        "processes",
        f"Of other versions than this program ({version}): "
        + "; ".join(f"{other}: {_named([one for one in odd if one.version == other])}" for other in others),
        "During an upgrade this is as it should be. Otherwise restart those that are behind, servers first.",
    )


def _named(seen: Sequence[Seen]) -> str:
    names = [f"{one.role} {one.name}" for one in seen]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
