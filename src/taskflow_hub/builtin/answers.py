"""What an unwelcome answer, or none, means for the attempt: once more, or never again."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from taskflow_hub.domain.outcomes import Fail, Retry
from taskflow_hub.net import Answer, NetError, retry_after_s

# Client errors that speak of the moment and not of the request.
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class UnexpectedStatus(Exception):
    """The server answered with a status that was not expected, and may do better next time."""


def unexpected(answer: Answer) -> Fail | Retry:
    """The outcome for a status that was not expected.

    408, 425, 429 and 5xx are tried again: when Retry-After says (within limits), else, by raising UnexpectedStatus, when
    the retry policy says. Everything else would only be answered the same again.
    """
    if answer.status not in _PASSING and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Fail(answer.summary)
    pause_s = retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC))
    if pause_s is None:
        raise UnexpectedStatus(answer.summary)
    return Retry(after=pause_s, reason=answer.summary)


def unanswered(error: NetError) -> Fail:
    """The outcome when there is no answer. Raises the error if the retry policy should decide."""
    if error.retryable:
        raise error
    return Fail(str(error))
