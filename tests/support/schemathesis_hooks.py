"""Loaded by schemathesis (SCHEMATHESIS_HOOKS).

The same Idempotency-Key with another body is refused with 422, as it must be; a schema can say nothing of that. Short keys
come again and again, so each gets a tail of its own. Nor can it say that a task names a limit's key once, and that the first
task to name it must state a number: keys that come again get a tail, too, and what states nothing states one. And where one
answer names what another path takes (a task's workflow, say), there may be none: then it is an id that nothing has.
"""

import itertools
import re
from typing import Any

import schemathesis

from taskflow_hub.domain.submission import LIMIT_KEY_PATTERN

NOTHING = "03000000-0000-7000-8000-000000000000"
_numbers = itertools.count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    for name, value in dict(case.headers or {}).items():
        if name.lower() == "idempotency-key" and isinstance(value, str) and 0 < len(value) < 200:
            tail = f"-{next(_numbers)}"
            closed = len(value) > 1 and value.startswith('"') and value.endswith('"')
            case.headers[name] = f'{value[:-1]}{tail}"' if closed else value + tail
    for name, value in dict(case.path_parameters or {}).items():
        if value in (None, "None"):
            case.path_parameters[name] = NOTHING
    if isinstance(case.body, dict):
        _mend_limits(case.body)
        for task in case.body.get("tasks") or () if isinstance(case.body.get("tasks"), list) else ():
            if isinstance(task, dict):
                _mend_limits(task)


def _mend_limits(task: dict[str, Any]) -> None:
    limits = task.get("limits")
    if not isinstance(limits, list) or not all(isinstance(limit, dict) for limit in limits):
        return
    seen: set[str] = set()
    for limit in limits:
        key = limit.get("key")
        if not isinstance(key, str) or not re.match(LIMIT_KEY_PATTERN, key):
            return
        if key in seen:
            limit["key"] = f"{key[:190]}-{next(_numbers)}"
        seen.add(limit["key"])
        if limit.get("running") is None and limit.get("per_second") is None:
            limit["running"] = 1
