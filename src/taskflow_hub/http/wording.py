"""What the OpenAPI document says in words: of the API, and of the fields whose classes leave it to us."""

from typing import Any, Final

SUMMARY: Final = "Durable background tasks over HTTP."
DESCRIPTION: Final = """\
A 2xx answer to a submit means that the task is committed; it then runs at least once.

* Times are RFC 3339 in UTC, durations are seconds, ids are UUIDv7.
* Errors are `application/problem+json` (RFC 9457). `code` is stable, `errors` names each field at fault by a JSON Pointer: into
  the body, or below `/query`, `/path` or `/header`. `GET /problems/{code}` explains.
* Unknown fields and unknown query parameters are refused. A body is read as JSON whatever its content type.
* A hub with accounts (`auth.secret` is set) wants `Authorization: Bearer` with an API key or an access token; another account's
  ids are unknown (404). Without accounts it listens on loopback only. A foreign `Host` and pages of other origins are refused.
* Where requests are limited, `RateLimit-Policy` says how many there are in how many seconds (`"key";q=600;w=60`), and
  `RateLimit` how many of them are left and when all will be (`"key";r=420;t=18`). One too many is 429 `rate_limited` with
  `Retry-After`, and has done nothing.
"""

BEARER: Final = (
    "An API key (`tfk_…`), or the access token of POST /auth/login. Not asked for without accounts."
)

TAGS: Final[list[dict[str, Any]]] = [
    {"name": "tasks", "description": "Submit, look, change, end, run again."},
    {"name": "events", "description": "Live, as Server-Sent Events."},
    {"name": "workflows", "description": "Graphs of tasks: submit, look, watch, end, go on."},
    {"name": "bulk", "description": "Operations over many tasks, tracked and abortable."},
    {"name": "queues", "description": "Lanes with a policy."},
    {"name": "failures", "description": "What failed, by what went wrong."},
    {"name": "overview", "description": "What happens over time, and what should be looked at."},
    {"name": "limits", "description": "How many tasks that name a key may run, or start per second."},
    {
        "name": "quotas",
        "description": "What an account may have: submits, tasks that wait and run, its share of the starts.",
    },
    {"name": "schedules", "description": "What is started by the clock, and what became of each tick."},
    {"name": "workers", "description": "Who is alive, and which kinds of work there are."},
    {"name": "access", "description": "Who may do what: logins, keys, users."},
    {"name": "audit", "description": "Who did what to what, from where."},
    {"name": "meta", "description": "The API itself."},
]

_LIMIT: Final = {
    "key": "What is shared.",
    "running": "How many may run at a time; null: any number.",
    "per_second": "How many may start per second; null: any number.",
    "pinned": "true: what tasks state does not change the numbers.",
}

_QUOTA: Final = {
    "account_id": "The account.",
    "per_minute": "How many tasks it may submit in a minute of the clock; null: any number.",
    "per_day": "How many tasks it may submit in a day (UTC); null: any number.",
    "queued": "How many of its tasks may wait: queued or scheduled; null: any number.",
    "running": "How many of its tasks may run at a time; null: any number.",
    "weight": "Its share of the starts, beside other accounts on one queue.",
}

_GRAPH: Final = {
    "nodes": "By name. What is not said to come after another begins at once.",
    "max_concurrency": "How many of its tasks may run at a time; null: any number.",
    "finally": "A node that runs when all others have ended, whatever became of them.",
}
_SCHEDULE: Final = {
    "cron": "Five fields, six with the seconds first, or @hourly, @daily, @weekly, @monthly, @yearly. This or `every`.",
    "every": "Seconds, or a text such as 90s, 5m or 1h30m, counted from `start_at`, else from when it was made.",
    "tz": "The time zone of `cron`, as Europe/Amsterdam.",
    "task": "What each tick submits.",
    "workflow": "Not yet: must be left out.",
    "overlap": "While a run before it has not ended: allow; skip: the tick is skipped; queue_one: one tick waits.",
    "catch_up": "After a downtime of more than a minute: none; last: the latest tick; all: the latest `catch_up_limit`.",
    "catch_up_limit": "Of `all`: how many ticks at most.",
    "jitter": "Each task is put off by up to so many seconds, by a part that its tick decides.",
    "start_at": "There are ticks from then on.",
    "end_at": "There are ticks before then.",
    "paused": "true: made paused.",
}

FIELDS: Final[dict[str, dict[str, str]]] = {
    "Submission": {
        "queue": "null: the type's home queue.",
        "run_at": "Not before this time. Excludes `delay`.",
        "delay": "Not before so many seconds from now. Excludes `run_at`.",
        "max_retries": "null: retry without end. Left out: the type's own, else 3.",
        "retry": "The pause before each retry. Left out: the type's own.",
        "timeout": "Seconds an attempt may run; null: no limit. Left out: the type's own, else 3600.",
        "expires_at": "If no attempt has started by then, the task fails with reason `expired`.",
        "tags": "Words to find it by.",
        "unique": "At most one unfinished task per type and key.",
        "limits": "How many tasks that name a key may run at a time, or start per second.",
    },
    "Limit": {
        "running": "How many may run at a time; null or left out: as it is.",
        "per_second": "How many may start per second, such as 10 or 0.2, at least 0.000001; null or left out: as it is.",
    },
    "LimitChange": {
        "running": "How many may run at a time; null: any number. Left out: as it is.",
        "per_second": "How many may start per second; null: any number. Left out: as it is.",
        "pinned": "false: a task that states numbers changes them.",
    },
    "QuotaChange": {
        "per_minute": "Tasks submitted in a minute of the clock; null: any number. Left out: as it is.",
        "per_day": "Tasks submitted in a day (UTC); null: any number. Left out: as it is.",
        "queued": "Tasks that wait: queued or scheduled; null: any number. Left out: as it is.",
        "running": "Tasks that run at a time; null: any number. Left out: as it is.",
        "weight": "Its share of the starts, beside other accounts on one queue; null: 1. Left out: as it is.",
    },
    "Quota": _QUOTA,
    "QuotaUse": {**_QUOTA, "used": "What it uses now."},
    "Used": {
        "in_minute": "Submitted in this minute; null: not counted, for no quota wants it.",
        "in_day": "Submitted today (UTC); null: not counted.",
        "queued": "Tasks that wait.",
        "running": "Tasks that run.",
    },
    "QuotaPage": {"next_cursor": "For `after`; null: this was the last page."},
    "QueueChange": {
        "max_size": "How many tasks may wait; null: any number. Left out: as it is.",
        "running": "How many may run at a time; null: any number. Left out: as it is.",
        "per_second": "How many may start per second; null: any number. Left out: as it is.",
    },
    "LimitRow": _LIMIT,
    "LimitUse": {
        **_LIMIT,
        "active": "Tasks that name the key and run.",
        "held": "Queued tasks that it holds back.",
    },
    "LimitPage": {"next_cursor": "For `after`; null: this was the last page."},
    "Unique": {
        "window": "The key is held for so many seconds from the submit, if that is longer than the task lives.",
        "on_conflict": "return: 200 and the holder. reject: 409. replace: cancel an unstarted holder; 409 if it runs.",
    },
    "Task": {
        "id": "A UUIDv7: sorts by the time it was made.",
        "type": "The name of a kind of work.",
        "queue": "Where it waits, or waited.",
        "priority": "0 to 9; higher runs first.",
        "status": "The state it is in.",
        "rev": "Rises by one with every change of a public field; the id of its events.",
        "reason": "Why it failed.",
        "hold": "Why a queued task does not start: `no_worker`, `paused`, `limit:KEY`, `rate:KEY`.",
        "payload": "The handler's parameters, as they were submitted.",
        "attempt": "How many attempts were opened.",
        "retry_count": "Retries since the submit or the last redrive.",
        "max_retries": "null: without end.",
        "crashes": "How many workers died while they ran it; above 3 it fails as `poison`.",
        "timeout": "Seconds an attempt may run; null: no limit.",
        "run_at": "Not before this time.",
        "started_at": "When the latest attempt that started, started.",
        "cancel_requested_at": "When its worker was asked to end it.",
        "result": "What the handler returned; null while it has not, and when `result_ref` says where it is.",
        "result_ref": "A result above 64 KiB; GET /tasks/{id}/result gives it whole.",
        "error": "The last error.",
        "user_id": "Who submitted it; null without accounts.",
        "worker": "Who runs it, or ran it last.",
        "parent_id": "The task whose handler submitted it.",
        "traceparent": "The W3C trace context it was submitted with.",
    },
    "WorkflowSubmission": _GRAPH,
    "SubWorkflow": {**_GRAPH, "name": "null: as the node is called."},
    "NodeSubmission": {
        "type": "The kind of its task; this or `workflow`.",
        "workflow": "A workflow that is its work; what `payload` says is the `input` of that.",
        "queue": "null: the type's home queue.",
        "max_retries": "null: retry without end. Left out: the type's own, else 3.",
        "retry": "The pause before each retry. Left out: the type's own.",
        "timeout": "Seconds an attempt may run; null: no limit. Left out: the type's own, else 3600.",
        "tags": "Words to find its tasks by.",
        "limits": "How many tasks that name a key may run at a time, or start per second.",
        "after": "What it comes after: names of nodes, or `{node, on}`. Nodes that it refers to need not be named.",
        "max_concurrency": "How many items of a fan-out may run at a time; null: any number.",
        "allow_failure": "true: its failure does not make the workflow fail.",
    },
    "After": {"node": "A node's name.", "on": "success; failure; done: whatever becomes of it."},
    "Workflow": {
        "id": "A UUIDv7: sorts by the time it was made.",
        "rev": "Rises with every step that the workflow takes. What its tasks do meanwhile is not counted.",
        "user_id": "Who submitted it; null without accounts.",
        "deadline_at": "When it fails, if it has not ended.",
        "cancel_requested_at": "From then on nothing but `finally` begins.",
        "max_concurrency": "How many of its tasks may run at a time; null: any number. It is the limit `workflow:ID`.",
        "result": "What it answers; null while it has not ended.",
        "error": "Why it failed.",
        "schedule_id": "The schedule that started it.",
        "parent": "Of a sub-workflow: the node that it is the work of.",
        "counts": "How many of its nodes are in each state; those that are not zero.",
        "nodes": "By name, parents before their children; null in lists.",
    },
    "NodeView": {
        "type": "The type of its task; null: it is a workflow of its own.",
        "after": "What it comes after, and which end of that it wants.",
        "status": "That of its task. A fan-out, or a sub-workflow, is `running` from its beginning to its end.",
        "task_id": "Its task; null: it is a fan-out or a sub-workflow.",
        "workflow_id": "The sub-workflow, once it has begun.",
        "items": "Of a fan-out: how many there are in each state.",
        "result": "What its task, or its sub-workflow, answered. Of a fan-out see its items.",
        "result_withheld": "true: it has a result that is too large to be shown here. It is at `/tasks/{task_id}/result`, "
        "that of a sub-workflow at `/workflows/{workflow_id}`.",
        "error": "Why it failed.",
    },
    "Item": {"total": "How many there are; null: its list is not known yet."},
    "ItemView": {
        "item": "Its place in the list, from 0.",
        "task_id": "Its task; null: it is a workflow of its own.",
        "workflow_id": "The sub-workflow that is its work.",
        "result_withheld": "true: it has a result that is too large to be shown here. It is at `/tasks/{task_id}/result`.",
    },
    "Parent": {"item": "Which item of the fan-out; null: the node is none."},
    "Edge": {"parent": "The node's name.", "on": "success; failure; done: whatever became of it."},
    "WorkflowPage": {"next_cursor": "null: this was the last page."},
    "ItemPage": {"next_cursor": "null: these were the last items."},
    "Why": {
        "hold": "As the task shows it.",
        "summary": "What keeps it, in plain words.",
        "causes": "What keeps it; first what the hub itself goes by.",
    },
    "Cause": {
        "kind": "What it is; it tells which of the fields below say something.",
        "text": "In a plain sentence.",
        "help": "What somebody can do about it.",
        "queue": "Of `paused`, `no_worker` and `turn`.",
        "type": "Of `no_worker`.",
        "missing": "Of `no_worker`: what there is no worker with; null: there is one by now.",
        "key": "Of `limit` and `rate`.",
        "at_most": "Of `limit`: how many tasks with the key may run.",
        "running": "Of `limit`: how many do.",
        "tasks": "Of `limit`: ids of those that do, the longest first, at most 20.",
        "per_second": "Of `rate`: how many may start.",
        "next_start_at": "Of `rate`: when the next start is possible; null: now.",
        "next_start_in": "The same in seconds from now.",
        "run_at": "Of `run_at`, `asleep` and `event`: when; null: an event is waited for without end.",
        "events": "Of `event`: the names of those that wake it.",
        "ahead": "Of `turn`: how many ready tasks of its queue come before it, of all accounts.",
        "more_than": "Of `turn`, instead of `ahead`: they are more than so many.",
        "slots": "Of `turn`: how many the live workers that serve it have.",
        "busy": "Of `turn`: how many of these are taken.",
        "nodes": "Of `parents`: the nodes of its workflow that it waits for.",
        "workflow_id": "Of `parents`: of which workflow they are.",
        "worker": "Of `running`: who has it.",
        "since": "Of `running`: when it began; null: the worker has not said so yet. Of `paused`: since when.",
        "paused_by": "Of `paused`: who did it, as far as you may know; null: not known.",
        "cancel_requested_at": "Of `running`: when its worker was asked to end it.",
        "reason": "Of `ended`: why it failed.",
    },
    "Attempt": {"outcome": "null: it runs now."},
    "LogLine": {"n": "Counts the lines of one attempt, from 1."},
    "Step": {
        "name": "With a number where a name has come again: charge#2. Each kind has names of its own.",
        "kind": "step; sleep; event: a wait for one.",
        "state": "done; asleep; waiting: for its event; timed_out: the event did not come in time.",
        "attempt": "The attempt that kept it, or began to sleep or wait.",
        "kept_at": "When it was kept, or began.",
        "ran_s": "Of a step: how many seconds it took, as its worker says.",
        "wakes_at": "Of a sleep: its end. Of a wait: its timeout; null: without end.",
        "decided_at": "Of a wait: when its event was found, or found missing; null: not yet.",
        "result": "Of a step: what it returned. Of a wait: the event's payload.",
    },
    "StepList": {"next_cursor": "For `after`; null: this was the last page."},
    "Event": {
        "task_id": "The task it was sent to.",
        "payload": "What was sent first.",
        "sent_at": "When that was.",
        "accepted": "false: an event of this name came before, and this one changes nothing.",
    },
    "LogPage": {"next_cursor": "null: these were the last lines so far."},
    "TaskPage": {"next_cursor": "null: this was the last page."},
    "Count": {"exact": "false: about so many, or where `count` is 10 000, at least."},
    "QueueView": {
        "max_size": "How many tasks may wait; null: no bound.",
        "running": "How many may run at a time; null: any number.",
        "per_second": "How many may start per second; null: any number.",
        "active": "How many run, of all accounts; null: `running` says nothing.",
        "full": "Which of `max_size` and `running` are reached.",
        "depth": "Unfinished tasks by status.",
        "held": "Queued tasks that may not start, by hold.",
        "counted_at": "When `depth` and `held` were counted: beyond 10 000 tasks, maybe some seconds ago.",
        "oldest_age": "Seconds since the oldest queued task was submitted.",
        "rate": "Tasks finished per second, over the last five minutes.",
        "workers": "Ids of those alive who serve it.",
        "unserved_types": "Types with queued tasks that nobody alive serves.",
        "suggested_workers": "So many workers of the usual size that each task which could run now has a slot.",
    },
    "Overview": {
        "step": "Seconds from one point to the next.",
        "from": "The beginning of the first step.",
        "to": "The end of the last step, which is the present one.",
        "totals": "Tasks that ended within the range.",
        "types": "Those of which tasks failed within the range, most failures first, at most ten.",
        "attention": "What to look at, worst first; empty: all is well.",
    },
    "Now": {"oldest_age": "Seconds since the oldest queued task was submitted."},
    "WorkersNow": {"busy": "Slots that are taken."},
    "OverviewPoint": {
        "at": "The beginning of the step.",
        "queued": "The largest sample of the step; null: the hub was not there.",
        "running": "The largest sample of the step; null: the hub was not there.",
        "oldest_age": "The largest sample of the step, in seconds; null: nothing was queued, or the hub was not there.",
        "wait_p50": "Seconds from queued or due to started, half of the tasks at most; null: none ended.",
        "wait_p95": "The same of 95 in 100.",
        "run_p50": "Seconds from started to ended, half of the tasks at most; null: none ended.",
        "run_p95": "The same of 95 in 100.",
    },
    "QueueTrend": {
        "step": "Seconds from one point to the next.",
        "from": "The beginning of the first step.",
        "to": "The end of the last step, which is the present one.",
    },
    "TrendPoint": {
        "at": "The beginning of the step.",
        "queued": "The largest sample of the step; null: the hub was not there.",
        "running": "The largest sample of the step; null: the hub was not there.",
        "oldest_age": "The largest sample of the step, in seconds; null: nothing was queued, or the hub was not there.",
    },
    "Attention": {
        "text": "In words.",
        "queue": "Which it is about; null: none, or several.",
        "type": "Which it is about; null: none, or several.",
        "schedule_id": "Which it is about; null: none, or several.",
        "worker_id": "Which it is about; null: none, or several.",
        "limit": "The number of the quota that is used up; null: it is about none.",
    },
    "Worker": {
        "window": "How many assignments beyond its slots it may hold.",
        "running": "How many attempts it has now.",
        "queues": "Empty: every queue.",
        "beats": "Heartbeats counted.",
        "stuck": "Tasks whose thread runs on after its attempt ended.",
    },
    "BulkView": {
        "total": "How many matched when it began; more, if more have come to match since.",
        "done": "How many were changed.",
        "skipped": "How many matched, but were no longer in a state that allows it.",
    },
    "ScheduleSpec": {**_SCHEDULE, "name": "null: made from the task's type and a short id."},
    "ScheduleChange": _SCHEDULE,
    "TaskTemplate": {
        "queue": "null: the type's home queue.",
        "max_retries": "null: without end. Left out: the type's.",
        "retry": "How long to wait before each retry. Left out: the type's.",
        "timeout": "Seconds an attempt may run; null: no limit. Left out: the type's.",
        "tags": "Words to find its tasks by.",
        "limits": "How many tasks that name a key may run at a time, or start per second.",
    },
    "ScheduleView": {
        **_SCHEDULE,
        "every": "Seconds; null: it goes by `cron`.",
        "task": "Without what is secret in its payload.",
        "paused": "true: nothing fires until it is resumed.",
        "origin": "api; code: declared beside a handler, and kept in step with that.",
        "rev": "Rises with every change that somebody makes; not when it fires.",
        "next_at": "The next tick; null while it is paused, and when none comes any more.",
        "waiting_at": "The tick that waits for the run before it to end (`queue_one`).",
        "last_at": "The latest tick that fired.",
        "user_id": "Who made it; null without accounts.",
    },
    "SchedulePageView": {"next_cursor": "null: this was the last page."},
    "FireView": {
        "planned_at": "When it was to run; with `ticks` above 1, the latest of them.",
        "decided_at": "When it was decided what becomes of it.",
        "outcome": "fired; missed; skipped; waiting: for the run before it to end.",
        "reason": "Why it was missed or skipped: downtime, overlap, paused, refused, changed.",
        "detail": "Of `refused`: what refused the task.",
        "ticks": "So many ticks, up to this one.",
        "by_hand": "trigger, backfill; null: the clock fired it.",
        "task_id": "The task that it made.",
        "workflow_id": "The workflow that it made.",
        "started_at": "When the first attempt of its task started; null: not yet known, or never.",
        "lateness": "Seconds from planned to started.",
    },
    "FirePageView": {"next_cursor": "null: this was the last page."},
    "PreviewView": {"words": "The expression in words.", "items": "Fewer than asked for, if it ends before."},
    "TickView": {"local": "The same moment, as the clock of its zone shows it."},
    "BackfillRequest": {"dry_run": "true: say what would be done, and do nothing."},
    "BackfillTick": {
        "outcome": "fired; left: it had fired before; refused: see `detail`.",
        "detail": "Why the task was refused.",
    },
    "User": {
        "account_id": "The account whose tasks they see.",
        "role": "admin: everything, everywhere. user: their account's tasks. viewer: only look.",
    },
    "Key": {
        "user_id": "Who made it.",
        "scopes": "What it may do, as long as its maker may, too.",
        "queues": "Only in these; empty: in all.",
        "expires_at": "null: never.",
        "last_used_at": "To the minute.",
        "revoked_at": "null: it is good.",
    },
    "Login": {
        "access_token": "Goes with each request: `Authorization: Bearer`.",
        "refresh_token": "For POST /auth/refresh, once.",
        "expires_in": "Seconds for which the access token is good.",
    },
    "Session": {"csrf_token": "Goes with each change, in `X-CSRF-Token`."},
    "Me": {
        "accounts": "Whether this hub has accounts; false: everybody may do everything.",
        "queues": "Only in these; empty: in all.",
        "csrf_token": "For a page: goes with each change, in `X-CSRF-Token`.",
    },
    "KeyRequest": {
        "queues": "Only in these; none named: in all.",
        "expires_in": "Seconds; null: for ever.",
    },
    "UserRequest": {"account": "null: that of who asks. One that does not exist is made."},
    "Credentials": {"cookie": "For a page: answer with a cookie instead of tokens."},
    "AuditEntry": {
        "id": "A UUIDv7: sorts by the time it was made.",
        "ts": "When.",
        "action": "What was done, as `queue.pause`.",
        "entity": "What kind of thing it was done to.",
        "entity_id": "Its id, a queue's name, a limit's key. Of a login that failed for an address nobody has: a hint of that.",
        "account_id": "Whose thing it was; null: all share it, or nobody knows.",
        "actor_kind": "user; key; anybody: who is not known; operator: who has the database in hand.",
        "actor": "The user's or the key's id.",
        "actor_name": "What they were called then: an e-mail address, a key's name.",
        "actor_account": "The account of who did it.",
        "address": "From where, as the nearest trusted proxy says.",
        "agent": "The `User-Agent`, at most 200 characters of it.",
        "before": "What was changed, as it was before.",
        "after": "The same afterwards.",
        "meta": "More about it.",
    },
    "AuditPage": {"next_cursor": "null: this was the last page."},
    "Problem": {
        "type": "Where this kind of problem is explained.",
        "detail": "What happened, for people.",
        "code": "What happened, for programs; stable.",
        "errors": "The fields at fault.",
    },
    "Readiness": {
        "status": "ready or unready.",
        "checks": "By name: ok, or what is wrong.",
        "warnings": "Only if asked for: what will become a problem if it lasts.",
    },
}

MORE: Final[dict[str, dict[str, Any]]] = {
    "Submission": {
        "description": "A task to be done. Only `type` must be said.",
        "examples": [
            {"type": "email.welcome", "payload": {"user_id": 42}},
            {
                "type": "report.make",
                "payload": {"month": "2030-01"},
                "priority": 9,
                "delay": 60,
                "tags": ["night"],
            },
        ],
        "not": {  # run_at and delay exclude each other
            "properties": {"run_at": {"type": "string"}, "delay": {"type": "number"}},
            "required": ["run_at", "delay"],
        },
    },
    "WorkflowSubmission": {
        "description": "A graph of tasks, to be done as one. What nodes mean stands at NodeSubmission.",
        "examples": [
            {
                "name": "report",
                "nodes": {
                    "fetch": {"type": "web.title", "payload": {"url": "https://example.com"}},
                    "store": {"type": "report.store", "payload": {"name": "front"}, "after": ["fetch"]},
                    "alarm": {"type": "report.alarm", "after": [{"node": "store", "on": "failure"}]},
                },
            }
        ],
    },
    "Batch": {
        "examples": [{"tasks": [{"type": "email.welcome", "payload": {"user_id": n}} for n in (41, 42)]}]
    },
    "TaskChange": {"minProperties": 1, "examples": [{"priority": 9}]},
    "LimitChange": {"examples": [{"key": "host:example.org", "running": 3, "per_second": 10}]},
    "QueueChange": {"minProperties": 1, "examples": [{"max_size": 10000, "running": 20, "per_second": 5}]},
    "QuotaChange": {"minProperties": 1, "examples": [{"per_minute": 600, "queued": 10000, "running": 20}]},
    "ScheduleSpec": {
        "description": "What to start (`task`), when (`cron` or `every`), and what to do about runs that are late or long.",
        "examples": [
            {
                "name": "nightly-report",
                "cron": "0 3 * * *",
                "tz": "Europe/Amsterdam",
                "task": {"type": "report.make", "payload": {"of": "yesterday"}},
                "catch_up": "last",
            },
            {"every": "5m", "task": {"type": "web.title", "payload": {"url": "https://example.org/"}}},
        ],
    },
    "ScheduleChange": {"minProperties": 1, "examples": [{"cron": "30 3 * * *", "overlap": "queue_one"}]},
    "BackfillRequest": {
        "examples": [{"from": "2030-01-01T00:00:00Z", "to": "2030-01-08T00:00:00Z", "dry_run": True}]
    },
    "BulkRequest": {
        "examples": [{"filter": {"status": ["failed"], "type": "email.welcome"}, "action": "redrive"}]
    },
}
