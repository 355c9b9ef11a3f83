"""A release is made of a tag that is the version, and says what the changelog says."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("release", Path(__file__).parents[2] / ".github" / "release.py")
assert SPEC
assert SPEC.loader
release = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(release)
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n- later\n\n## [1.2.0] - 2027-01-01\n\n- this\n\n## [1.1.0]\n\n- before\n"


def test_it_says_what_stands_below_its_heading() -> None:
    assert release.notes("v1.2.0", "1.2.0", CHANGELOG) == "- this"
    assert release.notes("v1.1.0", "1.1.0", CHANGELOG) == "- before"


@pytest.mark.parametrize(
    ("tag", "version", "why"),
    [
        ("v1.2.0", "1.2.1", "is not v1.2.1"),
        ("1.2.0", "1.2.0", "is not v1.2.0"),
        ("v1.3.0", "1.3.0", "says nothing"),
        ("v1x2", "1x2", "says nothing"),
    ],
)
def test_another_tag_or_an_empty_changelog_is_refused(tag: str, version: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        release.notes(tag, version, CHANGELOG)
