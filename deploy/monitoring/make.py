"""Writes what is copied to Prometheus and Grafana: `make monitoring`."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.alerts import RUNBOOKS, rules
from deploy.monitoring.names import Names, names_of_code
from deploy.monitoring.overview import overview
from deploy.monitoring.queues import queues
from deploy.monitoring.schedules import schedules
from deploy.monitoring.workers import workers

FOLDER: Final = Path(__file__).parent
DASHBOARDS: Final = (overview, queues, workers, schedules)
HEAD: Final = "# Made by `make monitoring` from deploy/monitoring/alerts.py: change it there.\n"


def files(names: Names, runbooks: str = RUNBOOKS) -> Iterator[tuple[Path, str]]:
    for made in DASHBOARDS:
        board = JSONEncoder(sort_keys=True, indent=2).encode(made(names).build())
        yield FOLDER / "grafana" / "dashboards" / f"{made.__name__}.json", f"{board}\n"
    text = yaml.safe_dump(rules(names, runbooks), sort_keys=False, width=1000, allow_unicode=True)
    yield FOLDER / "prometheus" / "alerts.yml", HEAD + text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.monitoring.make", description=__doc__)
    parser.add_argument(
        "--runbooks",
        default=RUNBOOKS,
        metavar="URL",
        help="where alerts link to: the page that tells what to do, as your operators reach it (%(default)s)",
    )
    for path, text in files(names_of_code(), parser.parse_args().runbooks):
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
