"""The keys that secret fields are encrypted with, and what is done with them.

AES-256-GCM. A text names the key it is made with, so that keys can be exchanged: the first encrypts, all decrypt. It is bound
to what it belongs to (task, type and field), so that it can be opened nowhere else. From each key three are derived, so that
none serves two purposes. protocol/README.md has it all in figures, for workers in other languages.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Final, Self

from msgspec import Raw

from taskflow_hub.domain.errors import NoSecretKeys
from taskflow_hub.domain.secret_fields import is_envelope, opened, sealed

NONCE: Final = 12  # bytes
_SEALED: Final = b'{"$sealed":"'
_END: Final = b'"}'
HOW_TO_SET: Final = "`openssl rand -base64 32` makes one for secrets.keys (TASKFLOW_SECRETS_KEYS, or _FILE)"


class SecretUnreadable(Exception):
    """A secret cannot be decrypted here. `changed`: nor anywhere, for it is not what was written."""

    def __init__(self, words: str, *, changed: bool = False) -> None:
        super().__init__(words)
        self.changed = changed


def key_of(text: str) -> bytes:
    """Raises ValueError, which says nothing of what the text is."""
    try:
        key = base64.b64decode(text, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is no base64: `openssl rand -base64 32` makes one") from None
    if len(key) != 32:
        raise ValueError(f"has {len(key)} bytes, and needs 32: `openssl rand -base64 32` makes one")
    if len(set(key)) < 8:
        raise ValueError("is easily guessed: `openssl rand -base64 32` makes a good one")
    return key


class _Key:
    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 8 MB, for those who have keys

        self.id = _derived(key, b"id")[:4].hex()
        self.cipher = AESGCM(_derived(key, b"seal"))
        self.fingerprints = _derived(key, b"fingerprint")


class Keyring:
    """Without keys it opens nothing, and refuses to seal."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._keys = {key.id: key for key in map(_Key, keys)}
        self._first = next(iter(self._keys.values()), None)

    @classmethod
    def of(cls, keys: Sequence[str]) -> Self:
        """From the setting. Raises ValueError for what is no key."""
        return cls([key_of(key) for key in keys])

    def __bool__(self) -> bool:
        return self._first is not None

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)}>"

    # --- payloads

    def seal_payload(self, payload: Raw, paths: tuple[str, ...], *, type: str, id: str) -> Raw:
        """The payload of the task `id`, with its secret fields encrypted. Raises NoSecretKeys."""
        if self._first is None:
            raise NoSecretKeys(
                f"Task type {type!r} has secret fields ({', '.join(paths)}), and there is no key here to encrypt them with: "
                f"{HOW_TO_SET}."
            )
        return Raw(sealed(bytes(payload), paths, lambda at, text: self._seal(text, _field(type, id, at))))

    def open_payload(self, payload: Raw, *, type: str, id: str) -> tuple[Raw, list[bytes]]:
        """The payload as it was submitted, and the JSON texts that were encrypted in it. Raises SecretUnreadable."""
        found: list[bytes] = []

        def unseal(at: str, text: bytes) -> bytes:
            value = self._open(text, _field(type, id, at), at)
            found.append(value)
            return value

        return Raw(opened(bytes(payload), unseal)), found

    def is_kept(self, payload: Raw, paths: tuple[str, ...]) -> bool:
        """Is all encrypted with the first key: what is encrypted, and what stands at `paths`? Without keys: yes."""
        if self._first is None:
            return True
        by_first, texts, clear = b"v1.%b." % self._first.id.encode(), list[bytes](), list[str]()

        def note(_at: str, text: bytes) -> bytes:
            texts.append(text)
            return b"null"

        def note_clear(at: str, text: bytes) -> bytes:
            clear.extend([] if is_envelope(text) else [at])
            return b""

        opened(bytes(payload), note)
        sealed(bytes(payload), paths, note_clear)
        return not clear and all(text.startswith(by_first) for text in texts)

    def keep_payload(self, payload: Raw, paths: tuple[str, ...], *, type: str, id: str) -> Raw:
        """All of it encrypted with the first key: what is encrypted with whatever key, and what stands at `paths`.

        Raises SecretUnreadable.
        """

        def unseal(at: str, text: bytes) -> bytes:
            return self._open(text, _field(type, id, at), at)

        def seal(at: str, text: bytes) -> bytes:
            return self._seal(opened(text, unseal, at), _field(type, id, at))

        again = opened(
            bytes(payload), lambda at, text: b'{"$secret":"%b"}' % seal(at, b'{"$secret":"%b"}' % text)
        )
        return Raw(sealed(again, paths, seal))

    # --- what a running task submits, on its way to the engine

    def seal_call(self, payload: Raw, *, parent: str, number: int, type: str) -> Raw:
        """The whole payload encrypted, for only the engine knows which of its fields are secret; without keys, as it is."""
        if self._first is None:
            return payload
        return Raw(b"%b%b%b" % (_SEALED, self._seal(bytes(payload), _call(parent, number, type)), _END))

    def open_call(self, payload: Raw, *, parent: str, number: int, type: str) -> Raw | None:
        """None: it came as it is. Raises SecretUnreadable."""
        text = bytes(payload)
        if not text.startswith(_SEALED):
            return None
        inner = text.removeprefix(_SEALED).removesuffix(_END)
        return Raw(self._open(inner, _call(parent, number, type), "the payload"))

    # --- fingerprints

    def blinded(self, fingerprint: str) -> list[str]:
        """The fingerprint of a request under each key. Without the key nobody can try what a secret might be."""
        return [
            hmac.digest(key.fingerprints, fingerprint.encode(), "sha256").hex() for key in self._keys.values()
        ]

    # --- inside

    def _seal(self, text: bytes, bound_to: bytes) -> bytes:
        assert self._first is not None
        nonce = os.urandom(NONCE)
        made = base64.urlsafe_b64encode(nonce + self._first.cipher.encrypt(nonce, text, bound_to))
        return b"v1.%b.%b" % (self._first.id.encode(), made.rstrip(b"="))

    def _open(self, text: bytes, bound_to: bytes, what: str) -> bytes:
        version, _, rest = text.partition(b".")
        name, _, made = rest.partition(b".")
        key = self._keys.get(name.decode("ascii", "replace"))
        if key is None:
            have = f"has keys {', '.join(self._keys)}" if self._keys else "is not set"
            raise SecretUnreadable(
                f"{what} is encrypted with the key {name.decode('ascii', 'replace')[:16]}, and secrets.keys {have} here"
            )
        try:
            if version != b"v1":
                raise ValueError(version)
            data = base64.b64decode(made + b"=" * (-len(made) % 4), altchars=b"-_", validate=True)
            return key.cipher.decrypt(data[:NONCE], data[NONCE:], bound_to)
        except _not_what_was_written():
            raise SecretUnreadable(
                f"{what} is not what was encrypted with the key {key.id} for this task: it was changed, or moved here",
                changed=True,
            ) from None


def _not_what_was_written() -> tuple[type[Exception], ...]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag, ValueError


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"taskflow-hub secrets v1 " + purpose, hashlib.sha256)


def _field(type: str, id: str, at: str) -> bytes:
    return "\0".join(("field", type, id, at)).encode()


def _call(parent: str, number: int, type: str) -> bytes:
    return "\0".join(("call", type, parent, str(number))).encode()


NO_KEYS: Final = Keyring()
