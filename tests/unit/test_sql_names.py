"""One verb, one file, one name, on every database: who looks for a verb finds it, and finds its counterpart."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from taskflow_hub.store import postgres, sqlite
from taskflow_hub.store.postgres.statements import SQL_NAMES as OF_POSTGRES
from taskflow_hub.store.sqlite.statements import SQL_NAMES as OF_SQLITE

ONLY = "only/"


def test_both_folders_have_the_same_names_but_for_those_in_only() -> None:
    both = [{name for name in names if not name.startswith(ONLY)} for names in (OF_SQLITE, OF_POSTGRES)]
    assert both[0] == both[1]


def test_nothing_in_only_has_a_counterpart() -> None:
    for names, others in ((OF_SQLITE, OF_POSTGRES), (OF_POSTGRES, OF_SQLITE)):
        alone = {name.removeprefix(ONLY) for name in names if name.startswith(ONLY)}
        assert alone.isdisjoint(name.removeprefix(ONLY) for name in others)


@pytest.mark.parametrize(("package", "names"), [(sqlite, OF_SQLITE), (postgres, OF_POSTGRES)])
def test_every_file_is_used_and_every_name_has_a_file(package: ModuleType, names: frozenset[str]) -> None:
    assert package.__file__
    code = "\n".join(path.read_text() for path in Path(package.__file__).parent.glob("*.py"))
    named = set(re.findall(r'\bstatement\("([\w/]+)"\)', code))
    assert {name for name in named if not name.startswith("parts/")} == names
