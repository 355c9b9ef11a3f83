"""What an unwelcome answer, or none, means for the attempt: once more, or never again."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from taskflow_hub.domain.outcomes import Fail, Retry
from taskflow_hub.net import Answer, NetError, retry_after_s

# Client errors that speak of the moment and not of the request.
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def unexpected(answer: Answer) -> Fail | Retry:
    """The outcome for a status that was not expected.

    408, 425, 429 and 5xx are tried again: when Retry-After says (within limits), else when the retry policy says.
    Everything else would only be answered the same again.
    """
    if answer.status not in _PASSING and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Fail(answer.summary)
    return Retry(retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC)), answer.summary)


def unanswered(error: NetError) -> Fail | Retry:
    """The outcome when there is no answer. It is not raised: where in the client it came from helps nobody."""
    return Retry(reason=str(error)) if error.retryable else Fail(str(error))
