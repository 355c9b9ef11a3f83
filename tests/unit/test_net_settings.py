"""The settings as files and environments give them."""

from typing import Any

import pytest
from pydantic import ValidationError

from taskflow_hub.net import AllowPrivate, NetSettings


def test_by_default_nothing_private_is_reached() -> None:
    assert NetSettings().allow_private == AllowPrivate()


@pytest.mark.parametrize("given", ["127.0.0.0/8,::1/128", ["127.0.0.0/8", "::1/128"]])
def test_a_list_may_be_text_or_a_list(given: object) -> None:
    settings = NetSettings.model_validate({"allow_private": given})
    assert settings.allow_private == AllowPrivate.parse("127.0.0.0/8,::1/128")
    assert settings.model_dump(mode="json")["allow_private"] == "127.0.0.0/8,::1/128"


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"allow_private": "10.0.0.1/8"}, "host bits"),
        ({"total_timeout": 0}, "total_timeout"),
        ({"allow_ports": "80,http"}, "allow_ports"),
        ({"allow_ports": "0"}, "allow_ports"),
        ({"max_redirects": 21}, "max_redirects"),
        ({"allow_privat": True}, "allow_privat"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError, match=where):
        NetSettings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "ports"), [("80, 443,", (80, 443)), ([80], (80,)), (8080, (8080,)), ("", ())]
)
def test_ports_may_be_text_or_a_list(given: object, ports: tuple[int, ...]) -> None:
    assert NetSettings.model_validate({"allow_ports": given}).allow_ports == ports


def test_the_schema_says_what_may_be_written() -> None:
    schema = NetSettings.model_json_schema()["properties"]["allow_private"]
    assert [form["type"] for form in schema["anyOf"]] == ["boolean", "string", "array"]
