"""The limits of what a task does not name, but passes where it stands: its queue's, and its account's.

They are rows of `limits` like others, of an account that nobody has.
"""

from typing import Final

NOBODY: Final = ""


def queue_key(queue: str) -> str:
    """The key of the limit on what runs in a queue, and starts there."""
    return f"queue:{queue}"


def account_key(account: str) -> str:
    """The key of the limit on what runs of an account."""
    return f"account:{account}"
