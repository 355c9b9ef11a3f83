"""Bodies of requests about schedules, beside those that the domain has (domain/schedule_spec.py)."""

from msgspec import Struct, field

from taskflow_hub.domain.submission import Moment


class BackfillRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Ticks from `from` on, and before `to`."""

    from_: Moment = field(name="from")
    to: Moment
    dry_run: bool = False  # say what would be done, and do nothing
