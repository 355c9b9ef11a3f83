"""Work for a whole core: with `cpu=True` each attempt runs in a child process, which a cancel or a timeout kills."""

from collections import Counter
from pathlib import Path

from taskflow_hub import Context, Hub

hub = Hub()


@hub.task("report.words", queue="cpu", cpu=True, timeout=600)
def words(ctx: Context, path: str, top: int = 3) -> dict[str, int]:
    """The commonest words of a text."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    counted: Counter[str] = Counter()
    for done, line in enumerate(lines, start=1):
        counted.update(line.lower().split())
        ctx.progress(done / len(lines))
    return dict(counted.most_common(top))
