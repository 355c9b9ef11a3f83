"""The pictures are of this product, and can be taken again."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench import results
from bench.pages import RESULTS, plots
from docs.make_pictures import PICTURES, SCHEMES, SESSION, SIZES
from PIL import Image
from tests.docs.pages import ROOT

NAMES = {"terminal.svg", *(f"{name}-{scheme}.png" for name in SIZES for scheme in SCHEMES)}

PLOT = "lease-while-held-open.svg"  # drawn by `make bench-hub ARGS="--database postgres held_open --full --plots docs/img"`


def check_terminal(picture: Path) -> None:
    """It shows what the README says of it: a kill, and a success in the second attempt."""
    svg = picture.read_text()
    root = ElementTree.fromstring(svg)
    shown = ["".join(group.itertext()) for group in root if group.get("class") == "end"]
    for command in SESSION:
        assert any(line.startswith("$") and line.endswith(command) for line in shown), command
    assert any(re.search(r"success in .*, attempt 2$", line) for line in shown)
    assert "prefers-reduced-motion" in svg
    assert len(svg) < 150_000
    assert not re.search(r"/(?:work|root|home|tmp)/", svg)


def check_page(picture: Path, name: str) -> None:
    viewport, scale = SIZES[name]["viewport"], SIZES[name]["device_scale_factor"]
    with Image.open(picture) as image:
        assert image.size == (viewport["width"] * scale, viewport["height"] * scale)
        colours = image.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 50, "an empty page"
    assert picture.stat().st_size < 200_000
    brightest = sum(sum(colour) * count for count, colour in colours if isinstance(colour, tuple)) / (
        3 * sum(count for count, _ in colours)
    )
    assert (brightest < 100) == picture.stem.endswith("dark"), brightest


def test_all_are_there() -> None:
    assert {path.name for path in PICTURES.iterdir()} == {
        *NAMES,
        PLOT,
        *(plots(results.read(RESULTS)) if RESULTS.exists() else ()),
    }


def test_the_terminal_shows_what_the_readme_says() -> None:
    check_terminal(PICTURES / "terminal.svg")


@pytest.mark.parametrize("name", list(SIZES))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_shown_light_and_dark_wide_and_narrow(name: str, scheme: str) -> None:
    check_page(PICTURES / f"{name}-{scheme}.png", name)


@pytest.mark.debian
@pytest.mark.timeout(300)
def test_they_can_be_taken_again(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "docs.make_pictures", "--into", str(tmp_path)],
        cwd=ROOT,
        check=True,
        timeout=280,
    )
    assert {path.name for path in tmp_path.iterdir()} == NAMES
    check_terminal(tmp_path / "terminal.svg")
    for name in SIZES:
        for scheme in SCHEMES:
            check_page(tmp_path / f"{name}-{scheme}.png", name)
