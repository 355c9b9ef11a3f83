"""What a request says in its headers, parsed."""

import re
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from taskflow_hub import tracing
from taskflow_hub.about import About, trace_id
from taskflow_hub.domain.access import Who
from taskflow_hub.domain.errors import Invalid

MAX_WAIT_S: Final = 60.0

# A structured-field string (RFC 9651) or the bare characters, as most clients send it.
IDEMPOTENCY_KEY: Final = r'^(?:"(?:[ !#-\[\]-~]|\\["\\]){1,255}"|[!#-~][ -~]{0,254})$'


def idempotency_key(request: Request) -> str | None:
    """Raises Invalid unless there is exactly one, of at most 255 printable ASCII characters."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    pointer = "/header/Idempotency-Key"
    if len(given) > 1:
        raise Invalid.field(pointer, "is given more than once")
    if not re.fullmatch(IDEMPOTENCY_KEY, given[0]):
        raise Invalid.field(pointer, "must be 1 to 255 printable ASCII characters, quoted or not")
    if given[0].startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", given[0][1:-1])
    return given[0]


def wait_s(request: Request) -> float:
    """Seconds that `Prefer: wait` asks for, at most 60; 0 without it. RFC 7240: what cannot be understood is ignored,
    and the first of several counts."""
    for preference in ",".join(request.headers.getlist("prefer")).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            seconds = value.strip().strip('"')
            return min(float(seconds), MAX_WAIT_S) if re.fullmatch(r"[0-9]{1,9}", seconds) else 0.0
    return 0.0


def traceparent(request: Request) -> str | None:
    """The caller's trace context (W3C Trace Context), if it is well-formed."""
    return tracing.well_formed(request.headers.get("traceparent"))


def about(scope: Scope) -> About:
    """Whose request it is, as far as that is known by now, for the lines that are logged while it is answered."""
    who: Who | None = scope.get("who")
    given = next(
        (value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None
    )
    mine = tracing.current_trace_id() or trace_id(tracing.well_formed(given))
    return About({"account": who and who.account_id, "trace_id": mine})
