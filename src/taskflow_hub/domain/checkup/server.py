"""Of a server that answers: what it says of itself."""

from collections.abc import Iterator

from msgspec import Struct

from taskflow_hub.domain.checkup.finding import Finding, ok, skipped, warning, wrong
from taskflow_hub.domain.checkup.processes import Seen

IN_GENERAL = "not ok"  # what a stranger is told


class ServerFacts(Struct, frozen=True, kw_only=True):
    """`checks` and `warnings` as GET /readyz tells them. `workers` None: not shown to whoever asked. `ahead_s`: its clock
    before this machine's, give or take `unsure_s`; None: it did not say.
    """

    url: str
    version: str
    checks: dict[str, str]
    warnings: tuple[str, ...] = ()
    workers: tuple[Seen, ...] | None = None
    ahead_s: float | None = None
    unsure_s: float = 0.0


def judge_server(facts: ServerFacts) -> Iterator[Finding]:
    amiss = {name: state for name, state in facts.checks.items() if state != "ok"}
    if not amiss:
        yield ok("server", f"{facts.url}: version {facts.version}, ready ({', '.join(facts.checks)})")
    for name, state in amiss.items():
        hidden = state == IN_GENERAL
        yield wrong(
            "server",
            f"{facts.url} is not ready: {name} is not well"
            if hidden
            else f"{facts.url} is not ready: {name}: {state}",
            "Present an admin's key (TASKFLOW_KEY) to see why, or look into the server's log."
            if hidden
            else "Mend that; the server goes on by itself. Its log says more.",
        )
    for words in facts.warnings:
        problem, _, advice = words.partition(": ")
        yield warning("server", problem, advice[:1].upper() + advice[1:] or "See the server's log.")
    if facts.workers is None:
        yield skipped(
            "processes",
            f"{facts.url} shows its workers only to those it knows",
            "Log in with `taskflow login`, or set TASKFLOW_KEY.",
        )
