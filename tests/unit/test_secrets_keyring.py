"""The keys: what they encrypt is bound to its place, is opened by every key there is, and never told."""

import base64
import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from pydantic import ValidationError

from taskflow_hub.domain.errors import NoSecretKeys
from taskflow_hub.engine.idempotency import blinded, fingerprint
from taskflow_hub.secrets.keyring import Keyring, SecretUnreadable, key_of
from taskflow_hub.secrets.settings import SecretsSettings
from taskflow_hub.store.keys import require_same
from taskflow_hub.worker.hidden import Hidden

OLD, NEW = (bytes(range(start, start + 32)) for start in (0, 100))
OF = {"type": "mail.send", "id": "0192f0c0-0000-7000-8000-00000000abcd"}
PAYLOAD = Raw(b'{"to":"a","password":"open sesame"}')


def keyring(*keys: bytes) -> Keyring:
    return Keyring(keys)


def tampered(payload: Raw, place: int) -> Raw:
    """With one character of the ciphertext changed, but for the last: in base64 that has bits to spare."""
    text = bytearray(payload)
    start = text.index(b"v1.") + 12
    at = start + place % (text.index(b'"', start) - start - 1)
    text[at] = ord("A") if text[at] != ord("A") else ord("B")
    return Raw(bytes(text))


def test_what_is_sealed_is_opened() -> None:
    sealed = keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    assert b"sesame" not in bytes(sealed)
    assert json.loads(bytes(sealed))["to"] == "a"
    payload, found = keyring(OLD).open_payload(sealed, **OF)
    assert (bytes(payload), found) == (bytes(PAYLOAD), [b'"open sesame"'])


def test_no_two_are_alike() -> None:
    assert bytes(keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)) != bytes(
        keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    )


def test_a_vector_for_other_languages() -> None:
    """protocol/README.md tells how it is made; this is the example there."""
    sealed = b'{"password":{"$secret":"v1.8ab6bd63.AAECAwQFBgcICQoLPbIGtTykAWeUC7P_f9Ue5rlV7rHxB4t67w"}}'
    payload, _ = keyring(OLD).open_payload(Raw(sealed), type="mail.send", id=OF["id"])
    assert bytes(payload) == b'{"password":"hunter2"}'


@pytest.mark.parametrize("elsewhere", [{"type": "mail.read"}, {"id": "0192f0c0-0000-7000-8000-00000000abce"}])
def test_it_cannot_be_moved_to_another_task(elsewhere: dict[str, str]) -> None:
    sealed = keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    with pytest.raises(SecretUnreadable, match="it was changed, or moved here") as refused:
        keyring(OLD).open_payload(sealed, **(OF | elsewhere))
    assert refused.value.changed


def test_it_cannot_be_moved_to_another_field() -> None:
    sealed = json.loads(bytes(keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)))
    moved = json.dumps({"to": sealed["password"]}, separators=(",", ":")).encode()
    with pytest.raises(SecretUnreadable, match=r"^/to is not what was encrypted"):
        keyring(OLD).open_payload(Raw(moved), **OF)


@given(st.integers(0, 10_000))
def test_a_changed_one_is_noticed(place: int) -> None:
    sealed = keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    with pytest.raises(SecretUnreadable) as refused:
        keyring(OLD).open_payload(tampered(sealed, place), **OF)
    assert "sesame" not in str(refused.value)


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old = keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    new = keyring(NEW, OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    for sealed in (old, new):
        assert bytes(keyring(NEW, OLD).open_payload(sealed, **OF)[0]) == bytes(PAYLOAD)
    assert bytes(keyring(NEW).open_payload(new, **OF)[0]) == bytes(PAYLOAD)
    with pytest.raises(
        SecretUnreadable, match=r"/password is encrypted with the key .{8}, and secrets.keys has keys"
    ) as refused:
        keyring(NEW).open_payload(old, **OF)
    assert not refused.value.changed, "a key may come back"


def test_without_keys() -> None:
    with pytest.raises(NoSecretKeys, match=r"'mail.send' has secret fields \(/password\).*secrets.keys"):
        keyring().seal_payload(PAYLOAD, ("/password",), **OF)
    sealed = keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    with pytest.raises(SecretUnreadable, match=r"secrets\.keys is not set here"):
        keyring().open_payload(sealed, **OF)


def test_what_a_running_task_submits_is_encrypted_whole() -> None:
    of = {"parent": OF["id"], "number": 1, "type": "t"}
    sent = keyring(OLD).seal_call(PAYLOAD, **of)  # type: ignore[arg-type]
    assert b"sesame" not in bytes(sent)
    assert bytes(keyring(NEW, OLD).open_call(sent, **of) or b"") == bytes(PAYLOAD)  # type: ignore[arg-type]
    assert keyring(OLD).open_call(PAYLOAD, **of) is None, "it came as it is"  # type: ignore[arg-type]
    assert keyring().seal_call(PAYLOAD, **of) is PAYLOAD  # type: ignore[arg-type]
    with pytest.raises(SecretUnreadable):
        keyring(OLD).open_call(sent, **(of | {"number": 2}))  # type: ignore[arg-type]


# --- fingerprints


def test_a_request_with_secrets_is_kept_under_a_hash_that_needs_the_key() -> None:
    plain = fingerprint("POST /tasks", "k", {"payload": {"pin": 1234}})
    blind = blinded(plain, keyring(OLD))
    assert blind.fingerprint != plain.fingerprint
    assert blind == blinded(plain, keyring(OLD))
    for now in (keyring(OLD), keyring(NEW, OLD)):
        require_same(blinded(plain, now), blind.fingerprint)
    require_same(blind, plain.fingerprint)  # from before its type had secrets
    other = blinded(fingerprint("POST /tasks", "k", {"payload": {"pin": 1235}}), keyring(OLD))
    assert blind.fingerprint not in {other.fingerprint, *other.also}


# --- the setting


def test_keys_as_they_are_written() -> None:
    a, b = (base64.b64encode(key).decode() for key in (OLD, NEW))
    for written in (f"{a},{b}", f"{a}\n{b}\n", (a, b), (f"{a}\n{b}",), [a, b]):
        assert SecretsSettings(keys=written).keys == (a, b)  # type: ignore[arg-type]
    assert key_of(base64.urlsafe_b64encode(bytes(range(224, 256))).decode()) == bytes(range(224, 256))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("correct horse battery staple",), "key 1 of 4 is no base64"),
        (("!",), "key 1 of 1 is no base64"),
        ((base64.b64encode(OLD[:31]).decode(),), "has 31 bytes, and needs 32"),
        ((base64.b64encode(bytes(32)).decode(),), "is easily guessed"),
        ((base64.b64encode(OLD).decode(),) * 2, "has one key twice"),
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(keys: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SecretsSettings(keys=keys)
    told = [one["msg"] for one in refused.value.errors(include_input=False)]
    assert words in told[0]
    assert not any(key in told[0] for key in keys if len(key) > 1)


def test_they_are_not_told() -> None:
    text = base64.b64encode(os.urandom(32)).decode()
    assert text not in repr(SecretsSettings(keys=(text,)))
    assert text not in repr(Keyring.of([text])) + str(vars(Keyring.of([text])))


# --- what an attempt must not say


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("hunter2", "got hunter2!"),
        ('it\'s "so"\n', "ValueError(" + repr('it\'s "so"\n') + ")"),
        ('it\'s "so"\n', json.dumps({"a": 'it\'s "so"\n'})),
        ({"user": "somebody", "codes": [12345]}, "somebody has 12345"),
        ("wörter", "wörter"),
        ("-----BEGIN-----\nhunter2\n", "  | -----BEGIN-----\n  | hunter2\n"),
    ],
)
def test_what_was_decrypted_is_not_said(value: Any, said: str) -> None:
    hidden = Hidden.of_json([json.dumps(value).encode()])
    told = hidden.text(said)
    assert "••••••" in told
    for word in ("hunter2", "so\\", "somebody", "12345", "wörter"):
        assert word not in told
    assert "hunter2" not in repr(hidden)


def test_what_is_short_stands_everywhere() -> None:
    assert (
        Hidden.of_json([b'"a"', b"true", b"null", b"7"]).text("a 7 is true and not null")
        == "a 7 is true and not null"
    )


def test_in_the_fields_of_a_log_line() -> None:
    hidden = Hidden.of_json([b'"word"', b"98765"])
    assert hidden.value({"a": ["a word", 98765, True, 1.5], "word": None}) == {
        "a": ["a ••••••", "••••••", True, 1.5],
        "••••••": None,
    }


@pytest.mark.parametrize(
    ("sealed_at", "paths"),
    [
        ((), ("/login/password",)),  # saved before it was known to be secret
        (("/login/password",), ("/login/password",)),
        (("/login/password",), ()),  # is taken back: what is secret stays so
        (("/login/password",), ("/login",)),
        (("/login",), ("/login/password",)),
        (("/login/password",), ("/pins/*",)),
    ],
)
def test_what_is_kept_for_long_is_encrypted_with_the_first_key(
    sealed_at: tuple[str, ...], paths: tuple[str, ...]
) -> None:
    payload = Raw(b'{"to":"a","login":{"name":"ada","password":"open sesame"},"pins":[1,null]}')
    sealed = keyring(OLD).seal_payload(payload, sealed_at, **OF) if sealed_at else payload
    both = keyring(NEW, OLD)
    assert not both.is_kept(sealed, paths)
    kept = both.keep_payload(sealed, paths, **OF)
    assert both.is_kept(kept, paths)
    assert keyring(NEW).is_kept(kept, paths)
    assert not keyring(OLD, NEW).is_kept(kept, paths)
    assert b"sesame" not in bytes(kept)
    opened, _ = keyring(NEW).open_payload(kept, **OF)
    assert json.loads(bytes(opened)) == json.loads(bytes(payload))


def test_without_secrets_or_keys_there_is_nothing_to_encrypt_anew() -> None:
    assert keyring(OLD).is_kept(PAYLOAD, ())
    assert keyring(OLD).is_kept(Raw(b'{"password":null}'), ("/password",))
    assert keyring().is_kept(PAYLOAD, ("/password",))
    sealed = keyring(OLD).seal_payload(PAYLOAD, ("/password",), **OF)
    with pytest.raises(SecretUnreadable):
        keyring(NEW).keep_payload(sealed, (), **OF)
