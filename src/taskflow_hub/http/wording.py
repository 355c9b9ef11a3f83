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
    {"name": "bulk", "description": "Operations over many tasks, tracked and abortable."},
    {"name": "queues", "description": "Lanes with a policy."},
    {"name": "limits", "description": "How many tasks that name a key may run, or start per second."},
    {
        "name": "quotas",
        "description": "What an account may have: submits, tasks that wait and run, its share of the starts.",
    },
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
        "run_at": "Of `run_at`: when.",
        "ahead": "Of `turn`: how many ready tasks of its queue come before it, of all accounts.",
        "more_than": "Of `turn`, instead of `ahead`: they are more than so many.",
        "slots": "Of `turn`: how many the live workers that serve it have.",
        "busy": "Of `turn`: how many of these are taken.",
        "worker": "Of `running`: who has it.",
        "since": "Of `running`: when it began; null: the worker has not said so yet. Of `paused`: since when.",
        "paused_by": "Of `paused`: who did it, as far as you may know; null: not known.",
        "cancel_requested_at": "Of `running`: when its worker was asked to end it.",
        "reason": "Of `ended`: why it failed.",
    },
    "Attempt": {"outcome": "null: it runs now."},
    "LogLine": {"n": "Counts the lines of one attempt, from 1."},
    "LogPage": {"next_cursor": "null: these were the last lines so far."},
    "TaskPage": {"next_cursor": "null: this was the last page."},
    "QueueView": {
        "max_size": "How many tasks may wait; null: no bound.",
        "running": "How many may run at a time; null: any number.",
        "per_second": "How many may start per second; null: any number.",
        "active": "How many run, of all accounts; null: `running` says nothing.",
        "full": "Which of `max_size` and `running` are reached.",
        "depth": "Unfinished tasks by status.",
        "held": "Queued tasks that may not start, by hold.",
        "oldest_age": "Seconds since the oldest queued task was submitted.",
        "rate": "Tasks finished per second, over the last five minutes.",
        "workers": "Ids of those alive who serve it.",
        "unserved_types": "Types with queued tasks that nobody alive serves.",
        "suggested_workers": "So many workers of the usual size that each task which could run now has a slot.",
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
    "Batch": {
        "examples": [{"tasks": [{"type": "email.welcome", "payload": {"user_id": n}} for n in (41, 42)]}]
    },
    "TaskChange": {"minProperties": 1, "examples": [{"priority": 9}]},
    "LimitChange": {"examples": [{"key": "host:example.org", "running": 3, "per_second": 10}]},
    "QueueChange": {"minProperties": 1, "examples": [{"max_size": 10000, "running": 20, "per_second": 5}]},
    "QuotaChange": {"minProperties": 1, "examples": [{"per_minute": 600, "queued": 10000, "running": 20}]},
    "BulkRequest": {
        "examples": [{"filter": {"status": ["failed"], "type": "email.welcome"}, "action": "redrive"}]
    },
}
