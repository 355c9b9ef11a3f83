"""The pictures are of this product, and can be taken again."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench import results
from bench.pages import RESULTS, plots
from docs import make_architecture
from docs.make_pictures import GRAPH, PICTURES, SESSION
from docs.make_screenshots import SCHEMES, SHOTS
from examples.pipeline import pipeline
from PIL import Image
from tests.docs.pages import ROOT

NAMES = {"terminal.svg", "graph.svg", *(f"{name}-{scheme}.png" for name in SHOTS for scheme in SCHEMES)}

HOUSE = {f"house-{scheme}.svg" for scheme in make_architecture.SCHEMES}
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


def check_graph(picture: Path) -> None:
    """It shows the workflow of the example, run: each node in its box, the failure's branch not taken."""
    svg = picture.read_text()
    lines = ["".join(group.itertext()) for group in ElementTree.fromstring(svg) if group.tag.endswith("}g")]
    shown = "\n".join(lines)
    assert lines[0].endswith(GRAPH)
    assert "success" in lines[1]
    for name in pipeline.definition()["nodes"]:
        assert re.search(rf"[✓–] {name}(?![a-z])", shown), name
    assert "– apologise" in shown
    assert "failure" in shown
    assert len(svg) < 20_000
    assert not re.search(r"/(?:work|root|home|tmp)/", svg)


def check_page(picture: Path, name: str) -> None:
    viewport, scale = SHOTS[name].size["viewport"], SHOTS[name].size["device_scale_factor"]
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
        *HOUSE,
        *(plots(results.read(RESULTS)) if RESULTS.exists() else ()),
    }


def test_the_house_is_that_of_the_import_contracts() -> None:
    for scheme in make_architecture.SCHEMES:
        drawn = (PICTURES / f"house-{scheme}.svg").read_text()
        assert drawn == make_architecture.draw(scheme), "python -m docs.make_architecture"
        shown = "".join(ElementTree.fromstring(drawn).itertext())
        for room in ("cli", "http", "engine", "worker", "store.postgres", "broker.redis_streams", "domain"):
            assert room in shown


def test_the_terminal_shows_what_the_readme_says() -> None:
    check_terminal(PICTURES / "terminal.svg")


def test_the_graph_is_that_of_the_example() -> None:
    check_graph(PICTURES / "graph.svg")


@pytest.mark.parametrize("name", list(SHOTS))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_dashboard_is_shown_light_and_dark_wide_and_narrow(name: str, scheme: str) -> None:
    check_page(PICTURES / f"{name}-{scheme}.png", name)


@pytest.mark.debian
@pytest.mark.timeout(300)
def test_they_can_be_taken_again(tmp_path: Path) -> None:
    for maker in ("docs.make_pictures", "docs.make_screenshots"):
        command = [sys.executable, "-m", maker, "--into", str(tmp_path)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=280)
    assert {path.name for path in tmp_path.iterdir()} == NAMES
    check_terminal(tmp_path / "terminal.svg")
    check_graph(tmp_path / "graph.svg")
    for name in SHOTS:
        for scheme in SCHEMES:
            check_page(tmp_path / f"{name}-{scheme}.png", name)
