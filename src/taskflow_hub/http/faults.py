"""Whatever a request ends with, its answer is a problem: here exceptions turn into answers, and the unexpected is logged."""

from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskflow_hub.domain.errors import FieldError, Invalid, TaskflowError
from taskflow_hub.http import problems
from taskflow_hub.http.answers import ProblemAnswer
from taskflow_hub.http.params import SHAPES
from taskflow_hub.http.pointers import pointer
from taskflow_hub.http.unread import is_unread, refused

log = structlog.stdlib.get_logger("taskflow.http")


class Faults:
    """The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except Exception as error:
            if not isinstance(error, TaskflowError) or problems.status_of(type(error)) == 500:
                log.exception("request failed", method=scope["method"], path=scope["path"])
            if not started:
                await _tell(error, scope, receive, send)


async def _tell(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    if not is_unread(scope):
        await answer(error)(scope, receive, send)
    elif not refused(scope, problem := problems.from_error(_known(error))):
        await ProblemAnswer(problem, problems.headers(problem) | {"Connection": "close"})(
            scope, receive, send
        )


def answer(error: Exception) -> ProblemAnswer:
    known = _known(error)
    problem = problems.from_error(known)
    return ProblemAnswer(problem, problems.headers(problem, known.retry_after_s))


def _known(error: Exception) -> TaskflowError:
    return error if isinstance(error, TaskflowError) else TaskflowError()


async def on_http_exception(request: Request, error: Exception) -> ProblemAnswer:
    """What the framework refuses by itself; which paths there are it is not asked (methods.py)."""
    assert isinstance(error, HTTPException)
    return ProblemAnswer(problems.from_http(problems.BAD_REQUEST, str(error.detail)))


async def on_invalid_parameters(request: Request, error: Exception) -> ProblemAnswer:
    """Path, query and header parameters; pointers such as /query/limit."""
    assert isinstance(error, RequestValidationError)
    found = [_field(one) for one in error.errors()]
    return answer(Invalid("; ".join(f"{one.pointer}: {one.detail}" for one in found), errors=found))


def _field(error: dict[str, Any]) -> FieldError:
    where, detail = pointer(*error["loc"]), str(error["msg"]).removeprefix("Value error, ")
    shape = SHAPES.get(error.get("ctx", {}).get("pattern"))
    return FieldError(where, shape or detail[:1].lower() + detail[1:])
