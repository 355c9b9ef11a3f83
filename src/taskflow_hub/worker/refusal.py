"""What the engine answers when it will not, as the error it stands for."""

from typing import Final

from taskflow_hub.domain.errors import TaskflowError, all_errors
from taskflow_hub.domain.messages import CallFailed, Reply

_ERRORS: Final = {error.code: error for error in all_errors()}


def from_code(code: str, detail: str) -> TaskflowError:
    return _ERRORS.get(code, TaskflowError)(detail)


def refusal(reply: Reply) -> TaskflowError:
    if isinstance(reply, CallFailed):
        return from_code(reply.code, reply.detail)
    return TaskflowError(f"the engine answered with {type(reply).__name__}")
