"""Exit codes, and what they tell a script. Which error has which stands in errors.py."""

from collections.abc import Mapping
from typing import Final

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
MISSING: Final = 3
REFUSED: Final = 4
UNAVAILABLE: Final = 5
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141  # as if SIGPIPE had ended us, which is what a shell expects of a filter
TERMINATED: Final = 143  # as a shell tells of a process that SIGTERM has ended

MEANINGS: Final[Mapping[int, str]] = {
    OK: "Done. Of a task that was waited for: it succeeded.",
    FAILED: "The task failed or was cancelled; or the hub refused, because the present state does not allow it. (`doctor`: "
    "something is wrong.)",
    USAGE: "The command line, the input or a setting is wrong. Nothing was changed.",
    MISSING: "There is no such task, queue, worker, user, key or database.",
    REFUSED: "The hub does not serve this caller: it knows no such login or key, or whoever it is may not do this.",
    UNAVAILABLE: "The hub or its database cannot be reached, is full, was asked too often or is shutting down; what answers is "
    "no hub; or time ran out. Try again later.",
    INTERRUPTED: "Interrupted by Ctrl-C. A task that was waited for goes on. (`up`: a second signal cut its end short.)",
    BROKEN_PIPE: "Whoever read the output closed it (a pipe into `head`, say).",
    TERMINATED: "Ended by SIGTERM. (`up`: before it had begun to start anything, for from then on it ends in order, with "
    "status 0; or by a second signal, which cut its end short.)",
}
