"""`taskflow` in which nobody counts: what is left of a hub without its metrics."""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import Counter, Gauge

from taskflow_hub.cli.main import main
from taskflow_hub.domain import moves
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.schedule import Cause, FireOutcome
from taskflow_hub.engine import engine
from taskflow_hub.engine.histogram import Histogram
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.store.values import Followed, Submitted


class Deaf:
    """In place of a counter, a gauge or a histogram."""

    def labels(self, *_: str) -> "Deaf":
        return self

    def inc(self, _: float = 1) -> None: ...

    def observe(self, *_: object, **__: object) -> None: ...

    def set_function(self, _: object) -> None: ...


class Silent(Metrics):
    """Is told everything, and keeps nothing. It answers what others rely on (`lost`)."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        deaf = Deaf()
        for name, value in vars(self).items():
            if isinstance(value, Counter | Gauge | Histogram):
                setattr(self, name, deaf)

    def submitted(self, outcome: Submitted) -> None: ...

    def followed(self, what: Followed) -> None: ...

    def finished(self, status: str, count: int) -> None: ...

    def failed(self, reasons: Iterable[object]) -> None: ...

    def attempts(self, outcome: str, count: int) -> None: ...

    def lost(
        self,
        outcome: str,
        lost: Sequence[Verdict],
        failed: Sequence[Verdict],
        fails: Sequence[moves.Fail],
    ) -> int:
        return len([one for one in (*lost, *failed) if one in {Verdict.APPLIED, Verdict.ABORTED}])

    def ticks(self, counts: Mapping[tuple[FireOutcome, Cause | None], int]) -> None: ...

    def lateness(self, seconds: Iterable[float]) -> None: ...

    def ran(self, seconds: Iterable[float]) -> None: ...

    def waited(self, seconds: Iterable[float], times: int) -> None: ...

    def transaction(self, kind: str, seconds: float) -> None: ...

    def loop_lag(self, seconds: float) -> None: ...


if __name__ == "__main__":
    engine.Metrics = Silent  # type: ignore[attr-defined]  # there is no setting for it
    main()
