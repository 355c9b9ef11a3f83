"""Prints what the changelog says of a release; refuses a tag that is not the version. Usage: release.py v1.2.3"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag: str, version: str, changelog: str) -> str:
    """Raises ValueError that says what is to be mended before the tag is set again."""
    if tag != f"v{version}":
        raise ValueError(
            f"tag {tag} is not v{version}, the version in pyproject.toml: set that first, then the tag"
        )
    found = re.search(
        rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if found is None or not found[1].strip():
        raise ValueError(
            f"CHANGELOG.md says nothing below `## [{version}]`: move there what stands below Unreleased"
        )
    return found[1].strip()


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    try:
        print(notes(sys.argv[1], project["version"], (ROOT / "CHANGELOG.md").read_text()))
    except ValueError as error:
        sys.exit(f"release: {error}")
