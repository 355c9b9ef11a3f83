"""The part of docs/lifecycle.md that is made from domain/lifecycle.py.

    python -m taskflow_hub.testing.lifecycle_page [--check] [PAGE]

renews what stands between the markers of PAGE (docs/lifecycle.md if not given); with --check it changes nothing and ends
with status 1 when the page is not current.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from taskflow_hub.domain.lifecycle import FENCED, LIFECYCLE, YIELDS_TO_CANCEL, Move, mermaid

BEGIN: Final = "<!-- made by python -m taskflow_hub.testing.lifecycle_page: begin -->"
END: Final = "<!-- made by python -m taskflow_hub.testing.lifecycle_page: end -->"

# Who makes a move, and what it is or does beside changing the state.
SAID: Final[dict[Move, tuple[str, str]]] = {
    Move.PROMOTE: (
        "promoter; operator",
        "its time has come, or somebody says now; it queues behind what waits already",
    ),
    Move.UNBLOCK: ("a parent's finish", "the last parent has finished the way the edge wants"),
    Move.SKIP: ("a parent's finish", "a parent has finished another way"),
    Move.REJECT: (
        "a parent's finish",
        "its payload refers to what is not there, or is too large to be pasted; reason `reference`",
    ),
    Move.RESET: (
        "operator",
        "the workflow is redriven: it waits again for its parents, as if it were new",
    ),
    Move.LEASE: (
        "dispatcher",
        "opens the next attempt for one live worker: `attempt` rises by one, the owner is written",
    ),
    Move.EXPIRE: ("promoter", "`expires_at` passed before an attempt could start; reason `expired`"),
    Move.SUCCEED: ("worker", "keeps the result"),
    Move.RETRY: (
        "worker",
        "the handler failed and may try again: `retry_count` rises by one, due after the policy's pause",
    ),
    Move.SNOOZE: ("worker", "the handler asked to run later; costs nothing"),
    Move.FAIL: (
        "worker; reaper",
        "failed for the last time, or can never succeed; from the reaper `poison`, `undeliverable` or `lost`",
    ),
    Move.RELEASE: (
        "worker; dispatcher",
        "handed back unfinished, at a shutdown or a pause; old place, costs nothing",
    ),
    Move.LOSE: (
        "reaper; heartbeat",
        "the worker died: a crash, if the attempt had started; or the assignment never arrived: no cost; old place",
    ),
    Move.ABORT: ("worker; store", "ended because a cancel was requested"),
    Move.CANCEL: (
        "operator",
        "at once; a running task is asked instead and stays `running` until its attempt ends",
    ),
    Move.REDRIVE: (
        "operator",
        "runs a finished task again: `retry_count`, `crashes`, times, result and error are cleared",
    ),
}


def generated() -> str:
    """What stands between the markers: the diagram and the table of moves."""
    rows = [
        f"| {move} | {_way(move)} | {who} | {what} | {_yes(move in FENCED)} | {_yes(move in YIELDS_TO_CANCEL)} |"
        for move, (who, what) in SAID.items()
    ]
    return "\n".join(
        [
            BEGIN,
            "",
            "```mermaid",
            mermaid(),
            "```",
            "",
            "| move | from → to | made by | what it is | fenced | yields to a cancel |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            END,
        ]
    )


def renewed(page: str) -> str:
    """The page with its generated part made anew. Raises ValueError when a marker is missing."""
    before, _, rest = page.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError("the page has no generated part: a marker is missing")
    return before + generated() + after


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m taskflow_hub.testing.lifecycle_page")
    parser.add_argument("page", nargs="?", type=Path, default=Path("docs/lifecycle.md"))
    parser.add_argument(
        "--check", action="store_true", help="change nothing; status 1 if the page is not current"
    )
    asked = parser.parse_args(arguments)
    old = asked.page.read_text("utf-8")
    new = renewed(old)
    if asked.check and new != old:
        sys.stderr.write(f"{asked.page} is not current: python -m taskflow_hub.testing.lifecycle_page\n")
        return 1
    if new != old:
        asked.page.write_text(new, "utf-8")
    return 0


def _way(move: Move) -> str:
    sources = [f"`{source}`" for source, row in LIFECYCLE.items() if move in row]
    (target,) = {row[move] for row in LIFECYCLE.values() if move in row}
    return f"{', '.join(sources)} → `{target}`"


def _yes(true: bool) -> str:
    return "yes" if true else ""


if __name__ == "__main__":
    sys.exit(main())
