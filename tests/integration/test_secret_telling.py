"""What a careless handler says has no secrets in it, nor a part of one, wherever it runs: however long it is, and
whether the secret was given or is the handler's default.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from tests.integration.secret_handlers import NEVER_GIVEN, registry
from tests.integration.worker_house import House

from taskflow_hub.domain.messages import Failed, Logged, Progressed
from taskflow_hub.secrets.keyring import Keyring
from taskflow_hub.worker.text import MAX_MESSAGE

SECRET = "zqxwvkjpgfbmlhdcnrtsuoaiezqyxwvkgj"
CUT = (
    MAX_MESSAGE // 4 - len(SECRET) // 2
)  # what is kept of the beginning of a long text ends in the middle of it
KEYRING = Keyring([bytes(range(32))])
pytestmark = pytest.mark.parametrize("type", ["loop", "thread", "process"])


async def told(house: House, type: str, payload: dict[str, Any]) -> tuple[Failed, str]:
    """Its ending, and all that it said. The password is encrypted, as an engine does it."""
    sealed = KEYRING.seal_payload(Raw(msgspec.json.encode(payload)), ("/password",), type=type, id="a-task")
    task = await house.give(type, sealed, id="a-task")
    end = await house.ending(task)
    assert isinstance(end, Failed)
    said = [*house.said(task, Logged), *house.said(task, Progressed)]
    assert len(said) > 1
    return end, msgspec.json.encode([end, *said]).decode()


def parts(secret: str) -> list[str]:
    return [secret[at : at + 6] for at in range(len(secret) - 5)]


@pytest.mark.parametrize("before", [0, CUT, 175])
@pytest.mark.parametrize("how", ["raise", "fail", "retry"])
async def test_what_is_cut_leaves_no_half_of_a_secret(
    tmp_path: Path, type: str, how: str, before: int
) -> None:
    async with House(registry(), tmp_path, keyring=KEYRING) as house:
        end, said = await told(house, type, {"how": how, "before": before, "password": SECRET})
        assert len(end.error.message) == MAX_MESSAGE
        assert not [part for part in parts(SECRET) if part in said]
        assert "••" in said


@pytest.mark.parametrize("how", ["raise", "type", "fail", "nonsense", "unsayable"])
async def test_a_default_is_not_told_either(tmp_path: Path, type: str, how: str) -> None:
    async with House(registry(), tmp_path, keyring=KEYRING) as house:
        _, said = await told(house, type, {"how": how})
        assert NEVER_GIVEN not in said
        assert "••••••" in said


async def test_the_type_of_an_error_does_not_tell(tmp_path: Path, type: str) -> None:
    async with House(registry(), tmp_path, keyring=KEYRING) as house:
        end, said = await told(house, type, {"how": "type", "password": SECRET})
        assert end.error.type == "Err_••••••"
        assert SECRET not in said
