"""How our dashboards look: what all of their panels have in common, said once."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

from deploy.monitoring.names import Names

MADE_BY: Final = "Made by `make monitoring` from deploy/monitoring/: change it there."
TAG: Final = "taskflow"
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
CHOSEN: Final = 'job=~"$job", instance=~"$instance"'  # what the variables above a dashboard choose
WINDOW: Final = "$__rate_interval"
WHOLE, HALF, THIRD, SIXTH = 24, 12, 8, 4  # of the width

Query = tuple[str, str]  # an expression, and what its lines are called
Dashboard = dashboard.Dashboard


def of_hub(
    names: Names, uid: str, title: str, about: str, *, queue: bool = False, type: bool = False
) -> Dashboard:
    """A dashboard without panels yet, with the variables that its queries use."""
    board = (
        Dashboard(title)
        .uid(uid)
        .description(f"{about} {MADE_BY}")
        .tags([TAG])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .link(
            dashboard.DashboardLink("TaskFlow Hub")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_variable("job", "Job", f"label_values({names.build_info}, job)"))
        .with_variable(
            _variable("instance", "Instance", f'label_values({names.build_info}{{job=~"$job"}}, instance)')
        )
    )
    if queue:
        board.with_variable(
            _variable("queue", "Queue", f"label_values({names.tasks_submitted_total}, queue)")
        )
    if type:
        board.with_variable(
            _variable("type", "Task type", f"label_values({names.tasks_submitted_total}, type)")
        )
    return board


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def row(title: str) -> dashboard.Row:
    return dashboard.Row(title)


def lines(
    title: str,
    about: str,
    queries: Sequence[Query],
    unit: str,
    *,
    width: int = THIRD,
    stacked: bool = False,
    most: float | None = None,
) -> timeseries.Panel:
    """Values over time. `most`: the top of the axis, if it is known."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(8)
        .line_width(1)
        .fill_opacity(30 if stacked else 8)
        .legend(
            VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if stacked:
        panel.stacking(StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if most is not None:
        panel.max(most)
    for ref, (expression, legend) in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(
            prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(ref).datasource(SOURCE)
        )
    return panel


def number(
    title: str,
    about: str,
    expression: str,
    unit: str = "short",
    *,
    yellow: float | None = None,
    red: float | None = None,
    low_is_bad: bool = False,
) -> stat.Panel:
    """One number as it is now. From `yellow` and `red` on it has that colour; `low_is_bad`: below them."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .span(SIXTH)
        .height(4)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(yellow, red, low_is_bad=low_is_bad))
        .with_target(prometheus.Dataquery().expr(expression).legend_format("").ref_id("A").datasource(SOURCE))
    )


def _thresholds(yellow: float | None, red: float | None, *, low_is_bad: bool) -> dashboard.ThresholdsConfig:
    steps = [("yellow", yellow), ("red", red)]
    if low_is_bad:  # each colour holds up to the next value
        values = [None, *sorted(value for _, value in steps if value is not None)]
        colours = [*(colour for colour, value in reversed(steps) if value is not None), "green"]
        found = list(zip(colours, values, strict=True))
    else:
        found = [("green", None), *((colour, value) for colour, value in steps if value is not None)]
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for colour, value in found])
    )


# --- queries --------------------------------------------------------------------------------------------------------


def rate(counter: str, *by: str, where: str = CHOSEN) -> str:
    """Per second, summed over processes."""
    return f"sum{_by(by)} (rate({counter}{{{where}}}[{WINDOW}]))"


def most(gauge: str, *by: str, where: str = CHOSEN) -> str:
    """Of what every process says of the whole hub."""
    return f"max{_by(by)} ({gauge}{{{where}}})"


def quantile(share: float, histogram: str, *by: str, where: str = CHOSEN) -> str:
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', 'le', *by, where=where)})"


def quantiles(histogram: str, *, where: str = CHOSEN) -> list[Query]:
    return [(quantile(share, histogram, where=where), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99)]


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""
