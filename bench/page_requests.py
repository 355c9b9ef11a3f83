"""What the dashboard asks for, page by page: as ui/src/pages asks it. In braces stands what the hub that is measured holds."""

from typing import Final, NamedTuple

RUNNING_SHOWN: Final = 200  # WorkersPage.vue


class Ask(NamedTuple):
    """One request of a page. `body`: it is a POST."""

    page: str
    path: str
    body: str | None = None


EVERYWHERE = ("auth/me", "task-types")
LISTED = (  # the list of tasks, by everything one can ask of it; its counts are asked for with the same, but without a status
    "",
    "status=failed",
    "status=queued",
    "status=running",
    "type=bench.t3",
    "queue=q1",
    "tag=seldom",
    "tag=often",
    "type=bench.t3&queue=q3",
    "type=bench.t3&tag=often",
    "fingerprint={fingerprint}",
    "created_after={an_hour_ago}",
    "type=nothing.like.it",
)
ERRORS = ("error=far%20end", "error=nothing%20says%20this")  # which are not counted
RANGES = ("1h", "24h", "7d")
COUNTED = tuple(dict.fromkeys(one for one in LISTED if not one.startswith("status=")))
BULK = '{"filter": {"status": ["failed", "cancelled"]}, "action": "redrive", "dry_run": true}'

ASKS: Final = (
    *(Ask("every page", f"/{path}") for path in EVERYWHERE),
    *(Ask("overview", f"/overview?range={one}") for one in RANGES),
    *(Ask("tasks", f"/tasks?{where}{'&' if where else ''}limit=50") for where in LISTED),
    *(Ask("tasks", f"/tasks?{where}&limit=50") for where in ERRORS),
    Ask("tasks, an older page", "/tasks?limit=50&cursor={deep}"),
    Ask("tasks, held", "/tasks?limit=50&created_before={now}"),
    Ask("tasks, held", "/tasks?limit=100"),
    *(Ask("tasks, counts", f"/tasks/counts{'?' if where else ''}{where}") for where in COUNTED),
    Ask("tasks, bulk", "/bulk", BULK),
    *(
        Ask("a finished task", f"/tasks/{{failed}}{path}")
        for path in ("", "/attempts", "/steps", "/logs?limit=1000")
    ),
    *(
        Ask("a queued task", f"/tasks/{{queued}}{path}")
        for path in ("", "/attempts", "/steps", "/logs?limit=1000", "/explain")
    ),
    Ask("queues", "/queues"),
    *(Ask("queues", f"/queues/q1/trend?range={one}") for one in RANGES),
    Ask("workers", "/workers"),
    Ask("workers", f"/tasks?status=running&limit={RUNNING_SHOWN}"),
    Ask("workflows", "/workflows?limit=50"),
    Ask("workflows", "/workflows?limit=50&status=success"),
    Ask("workflows", "/workflows?limit=50&name=fan"),
    Ask("a workflow", "/workflows/{workflow}"),
    Ask("a workflow", "/workflows/{workflow}/nodes/each/items?limit=100"),
    Ask("schedules", "/schedules?limit=50"),
    Ask("schedules", "/schedules?limit=50&paused=false"),
    Ask("a schedule", "/schedules/{schedule}"),
    Ask("a schedule", "/schedules/{schedule}/preview?n=8"),
    Ask("a schedule", "/schedules/{schedule}/fires?limit=50"),
    *(
        Ask("failures", f"/failures?limit=50&sort={sort}&since={{{since}}}")
        for since in ("a_day_ago", "a_week_ago")
        for sort in ("last_seen", "count")
    ),
    Ask("failures", "/tasks?fingerprint={fingerprint}&limit=5"),
    Ask("admin", "/audit?limit=50"),
    Ask("admin", "/limits?limit=50"),
    Ask("admin", "/quotas?limit=20"),
    Ask("admin", "/accounts/default/quota"),
    Ask("admin", "/quota"),
    Ask("admin", "/settings"),
    Ask("admin", "/keys?limit=50"),
    Ask("admin", "/users?limit=50"),
)
