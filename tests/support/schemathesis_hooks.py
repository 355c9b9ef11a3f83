"""Loaded by schemathesis (SCHEMATHESIS_HOOKS).

The same Idempotency-Key with another body is refused with 422, as it must be; a schema can say nothing of that. Short keys
come again and again, so each gets a tail of its own.
"""

import itertools
from typing import Any

import schemathesis

_numbers = itertools.count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    for name, value in dict(case.headers or {}).items():
        if name.lower() == "idempotency-key" and isinstance(value, str) and 0 < len(value) < 200:
            tail = f"-{next(_numbers)}"
            closed = len(value) > 1 and value.startswith('"') and value.endswith('"')
            case.headers[name] = f'{value[:-1]}{tail}"' if closed else value + tail
