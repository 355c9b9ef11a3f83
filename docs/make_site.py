"""The documentation as a site: `make docs` builds it into build/docs/site, `make docs-serve` shows it while one writes.

The pages are those of the repository, at the same paths, so that one link works in both. What GitHub does and a site does not
is done here: a link to a program leads to a page that shows it, and a picture for light and dark follows the site's switch.
Nothing is kept by hand: the order is that of docs/README.md, and any link that leads nowhere fails the build.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parents[1]
INTO: Final = ROOT / "build" / "docs"
FOLDERS: Final = ("docs", "apps", "examples", "protocol", "bench")
CONFIG: Final = "zensical.toml"
LOOKS: Final = Path("docs/site.css")
SHOWN: Final = frozenset({".py", ".sql", ".toml", ".yaml", ".yml", ".json", ".lua", ".vue", ".ts", ".proto"})
PICTURES: Final = frozenset({".png", ".svg"})

_LINK: Final = re.compile(r"(?<=\]\()(?P<target>[^)\s#]+)(?P<rest>[^)\s]*)(?=\))")
_ENTRY: Final = re.compile(r"^\| \[(?P<title>[^\]]+)\]\((?P<target>[^)#]+\.md)\) \|", re.MULTILINE)
_SOURCE: Final = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="(?P<dark>[^"]+)">\s*'
    r'<img src="(?P<light>[^"]+)"(?P<rest>[^>]*)>\s*</picture>'
)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")

Nav: TypeAlias = "str | dict[str, Nav] | list[Nav]"


def pages() -> list[Path]:
    """Relative to the root: what stands there, and in the folders that have documentation."""
    found = [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))]
    ours = (page.relative_to(ROOT) for page in found)
    return sorted(
        page for page in ours if not any(part.startswith((".", "node_modules")) for part in page.parts)
    )


def stage(into: Path) -> None:
    """Write what the site is made from, changing only what has changed."""
    sources = into / "pages"
    wanted: set[Path] = set()
    shown: set[Path] = set()
    for page in pages():
        text, linked = _adapted(page)
        _write(sources / page, text)
        wanted.add(page)
        shown |= linked
    for file in shown:
        if file.suffix in PICTURES:
            _copy(ROOT / file, sources / file)
            wanted.add(file)
        else:
            page = file.with_name(f"{file.name}.md")
            _write(sources / page, _as_page(file))
            wanted.add(page)
    _copy(ROOT / LOOKS, sources / LOOKS)
    wanted.add(LOOKS)
    for file in [file for file in sources.rglob("*") if file.is_file()]:
        if file.relative_to(sources) not in wanted:
            file.unlink()
    config = (ROOT / "docs" / CONFIG).read_text(encoding="utf-8")
    _write(into / CONFIG, config.replace("[project]\n", f"[project]\nnav = {_toml(nav())}\n", 1))


def nav() -> Nav:
    """docs/README.md section by section, each in the order of its table; then what the project says of itself."""
    home = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^## (.+)\n", home, flags=re.MULTILINE)
    listed: list[Nav] = [
        {"Home": "README.md"},
        {"All pages": "docs/README.md"},
        {"First steps": "docs/first-steps.md"},
    ]
    for title, text in zip(sections[::2], sections[1::2], strict=True):
        listed.append({title: [{name: _nested(page)} for name, page in _entries(text, "docs")]})
    own = {
        page.stem.replace("_", " ").capitalize(): str(page)
        for page in pages()
        if page.parent == Path() and page.stem != "README"
    }
    return [*listed, {"Project": [{name: page} for name, page in own.items()]}]


def _nested(page: str) -> Nav:
    """The decisions stand below their index."""
    if page != "docs/adr/README.md":
        return page
    text = (ROOT / page).read_text(encoding="utf-8")
    titles = dict(re.findall(r"^\| \[(\d+)\]\([^)]+\) \| (.+) \|$", text, re.MULTILINE))
    decisions: list[Nav] = [
        {f"{number} {titles[number].replace('`', '')}": target}
        for number, target in _entries(text, "docs/adr")
    ]
    return [page, *decisions]


def _entries(text: str, folder: str) -> Iterator[tuple[str, str]]:
    for found in _ENTRY.finditer(text):
        yield found["title"], os.path.normpath(f"{folder}/{found['target']}")


def _adapted(page: Path) -> tuple[str, set[Path]]:
    """The page as the site wants it, and the files that are to be there, too."""
    linked: set[Path] = set()

    def lead(found: re.Match[str]) -> str:
        file = Path(os.path.normpath(page.parent / found["target"]))
        if "://" in found["target"] or not (ROOT / file).is_file() or file.suffix == ".md":
            return found[0]
        linked.add(file)
        return found[0] if file.suffix in PICTURES else f"{found['target']}.md"

    text = (ROOT / page).read_text(encoding="utf-8")
    for picture in re.findall(r'(?:src|srcset)="([^"]+)"', text):
        linked.add(Path(os.path.normpath(page.parent / picture)))
    text = _SOURCE.sub(
        r'<img src="\g<light>#only-light"\g<rest>><img src="\g<dark>#only-dark"\g<rest>>', text
    )
    return _LINK.sub(lead, text), linked


def _as_page(file: Path) -> str:
    """A program, shown; what it says is not searched for."""
    text = (ROOT / file).read_text(encoding="utf-8")
    fence = "`" * (3 + max((len(run) for run in re.findall(r"`{3,}", text)), default=0))
    return f"---\nsearch:\n  exclude: true\n---\n\n# {file.name}\n\n`{file}`\n\n{fence}{file.suffix[1:]}\n{text}{fence}\n"


def _toml(value: Nav) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{ " + ", ".join(f"{_toml(name)} = {_toml(inner)}" for name, inner in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"


def _write(file: Path, text: str) -> None:
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _copy(source: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.stat().st_mtime < source.stat().st_mtime:
        shutil.copyfile(source, file)


def build(into: Path) -> str:
    """Make the site from what is staged there. Returns what is wrong with it, or nothing."""
    made = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(into / CONFIG)],
        cwd=into,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = _COLOUR.sub("", made.stdout + made.stderr)
    return said.partition("Traceback")[0].strip() if made.returncode else ""


def serve(into: Path) -> int:
    """Until Ctrl-C, on http://127.0.0.1:8000; what is written in the repository shows at once."""
    stage(into)

    def follow() -> None:
        while True:
            time.sleep(1)
            stage(into)

    threading.Thread(target=follow, daemon=True).start()
    command = [sys.executable, "-m", "zensical", "serve", "-f", str(into / CONFIG), "-a", "127.0.0.1:8000"]
    try:
        return subprocess.run(command, cwd=into, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        sys.exit(serve(INTO))
    stage(INTO)
    if wrong := build(INTO):
        sys.exit(f"{wrong}\nmake docs: links lead nowhere")
    print(f"file://{INTO / 'site' / 'index.html'}")
