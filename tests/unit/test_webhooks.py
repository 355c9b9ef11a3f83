"""Signatures, against Standard Webhooks' own vector and its own library."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from taskflow_hub import BadSignature, new_webhook_secret, sign_webhook, verify_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
OLD, NEW = ("whsec_" + base64.b64encode(bytes(range(n, n + 24))).decode() for n in (1, 2))


def test_the_vector_of_the_specification() -> None:
    assert sign_webhook(SECRET, id=ID, body=BODY, at=AT) == {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1)
KEYS = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())


@given(KEYS, IDS, st.text().map(str.encode))
def test_their_library_accepts_what_we_sign(secret: str, id: str, body: bytes) -> None:
    headers = sign_webhook(secret, id=id, body=body)
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        raise
    except ValueError:  # it reads the body as JSON once the signature was found good
        pass
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b"!", headers)


@given(KEYS, IDS, st.text())
def test_we_accept_what_their_library_signs(secret: str, id: str, body: str) -> None:
    signature = Webhook(secret).sign(id, datetime.fromtimestamp(AT, UTC), body)
    headers = {"Webhook-Id": id, "WEBHOOK-TIMESTAMP": str(AT), "webhook-signature": signature}
    assert verify_webhook(secret, headers, body.encode(), now=AT + 1) == id
    with pytest.raises(BadSignature, match="no signature fits"):
        verify_webhook(secret, headers, body.encode() + b"!", now=AT + 1)


def test_a_secret_is_changed_without_a_gap() -> None:
    both = sign_webhook([NEW, OLD], id=ID, body=BODY)
    assert both["webhook-signature"].count("v1,") == 2
    for receiver in (OLD, NEW, [OLD, NEW]):
        assert verify_webhook(receiver, both, BODY) == ID
    for secret in (OLD, NEW):
        Webhook(secret).verify(BODY, both)
        assert verify_webhook([OLD, NEW], sign_webhook(secret, id=ID, body=BODY), BODY) == ID
    with pytest.raises(BadSignature):
        verify_webhook(SECRET, both, BODY)


@pytest.mark.parametrize(("later_s", "good"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_neither_old_nor_early_ones_are_accepted(later_s: int, good: bool) -> None:
    headers = sign_webhook(SECRET, id=ID, body=BODY, at=AT)
    if good:
        assert verify_webhook(SECRET, headers, BODY, now=AT + later_s) == ID
    else:
        with pytest.raises(BadSignature, match="signed 301 s"):
            verify_webhook(SECRET, headers, BODY, now=AT + later_s)
    assert verify_webhook(SECRET, headers, BODY, now=AT + later_s, tolerance=1000) == ID


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"webhook-id": "another"}, "no signature fits"),
        ({"webhook-id": ""}, "no header webhook-id"),
        ({"webhook-timestamp": str(AT + 1)}, "no signature fits"),
        ({"webhook-timestamp": "soon"}, "no number of seconds"),
        ({"webhook-timestamp": "-1"}, "no number of seconds"),
        ({"webhook-timestamp": "9" * 5000}, "no number of seconds"),
        ({"webhook-timestamp": ""}, "no header webhook-timestamp"),
        ({"webhook-signature": ""}, "no header webhook-signature"),
        ({"webhook-signature": "v1,"}, "no signature fits"),
        ({"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "no signature fits"),
        ({"webhook-signature": "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "no signature fits"),
        ({"webhook-signature": "v1,ü\ud800"}, "no signature fits"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(change: dict[str, str], reason: str) -> None:
    headers = sign_webhook(SECRET, id=ID, body=BODY, at=AT)
    assert verify_webhook(SECRET, headers, BODY, now=AT) == ID
    with pytest.raises(BadSignature, match=reason):
        verify_webhook(SECRET, headers | change, BODY, now=AT)


def test_made_secrets_are_good_and_each_is_another() -> None:
    made = {new_webhook_secret() for _ in range(20)}
    assert len(made) == 20
    for secret in made:
        Webhook(secret).verify(BODY, sign_webhook(secret, id=ID, body=BODY))


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        ("", "begins with whsec_"),
        ("whsec_", "24 to 64 bytes, not 0"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", "must be base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "must be base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\u00fc", "must be base64"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "24 to 64 bytes, not 23"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64 bytes, not 65"),
        ([], "no webhook secret"),
        ([SECRET, "x"], "begins with whsec_"),
    ],
)
def test_what_is_no_secret_is_told_without_telling_it(secret: str | list[str], reason: str) -> None:
    for use in (
        lambda: sign_webhook(secret, id=ID, body=BODY),
        lambda: verify_webhook(secret, {}, BODY),
    ):
        with pytest.raises(ValueError, match=reason) as caught:
            use()
        assert "MfKQ" not in str(caught.value)
        assert not isinstance(caught.value, BadSignature)


@pytest.mark.parametrize("id", ["", "a.b", "a b", "a\n", "ü", "x" * 257])
def test_what_is_no_id_is_told(id: str) -> None:
    with pytest.raises(ValueError, match="no dots"):
        sign_webhook(SECRET, id=id, body=BODY)
