"""Idempotency keys: the same request again is recognised by its key and by what it asks for."""

import hashlib
from typing import Any

import msgspec

from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.secrets.keyring import Keyring
from taskflow_hub.store.values import Idempotency


def fingerprint(route: str, key: str, body: Any, *, account: str = DEFAULT_ACCOUNT) -> Idempotency:
    """`body` is the parsed request: spacing and the order of members make no difference."""
    canonical = msgspec.json.encode(body, order="sorted")
    return Idempotency(account, route, key, hashlib.sha256(canonical).hexdigest())


def blinded(plain: Idempotency, keyring: Keyring) -> Idempotency:
    """For a request with secrets in it: a bare hash would let whoever has the database try what they might be.

    A repeat is recognised whichever key was the first when the request was made, and by the bare hash, from before its type
    had secrets.
    """
    first, *others = keyring.blinded(plain.fingerprint)
    return msgspec.structs.replace(plain, fingerprint=first, also=(*others, plain.fingerprint))
