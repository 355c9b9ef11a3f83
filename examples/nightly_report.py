"""A nightly report by schedule: a workflow that knows for which night it is, so one that comes late is of its own day, too."""

from datetime import datetime, timedelta
from pathlib import Path

from taskflow_hub import INPUT, WORKFLOW, Context, Hub, Workflow

hub = Hub()
ORDERS = {"2026-01-01": [19, 5, 250], "2026-01-02": [7, 80]}  # a database, in truth


@hub.task("report.orders", max_retries=5, timeout=600)
def orders(night: datetime) -> dict[str, list[int]]:
    """Those of the day that ends in this night."""
    day = (night.date() - timedelta(days=1)).isoformat()
    return {day: ORDERS.get(day, [])}


@hub.task("report.write")
def write(ctx: Context, orders: dict[str, list[int]]) -> str:
    """Written beside and moved into place: done twice, it is as if it had been done once."""
    (day, sums), folder = next(iter(orders.items())), Path("reports")
    folder.mkdir(exist_ok=True)
    beside = folder / f"{day}.{ctx.task.id}"
    beside.write_text(f"{day}: {len(sums)} orders, {sum(sums)} euros\n")
    return str(beside.replace(folder / f"{day}.txt"))


@hub.task("report.tell")
def tell(ctx: Context, night: datetime, status: str) -> None:
    ctx.log.info("the report of a night", night=night.isoformat(), status=status)


with Workflow("nightly-report", deadline=3_600) as report:
    found = orders.node(night=INPUT["local"])  # the planned moment, as Amsterdam's clock shows it
    written = write.node(orders=found.result)
    report.finally_(tell.node(night=INPUT["local"], status=WORKFLOW.status))
    report.returns(written.result)

# After a downtime the latest night is made up for.
hub.schedule("30 2 * * *", tz="Europe/Amsterdam", catch_up="last")(report)
