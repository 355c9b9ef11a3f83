"""The workflow that a schedule starts."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.schedule import ByHand, Schedule
from taskflow_hub.domain.schedule_template import Template
from taskflow_hub.domain.schedule_tick import begun_by, check_input, example, tick_of
from taskflow_hub.domain.workflow import NodeSubmission, WorkflowSubmission, all_nodes, with_nodes
from taskflow_hub.engine.graphs import Graphs, bound, weight
from taskflow_hub.engine.task_types import NOTHING_KNOWN, TaskTypes
from taskflow_hub.store.values import NewWorkflow


class ScheduledWorkflow:
    """See `Scheduled`."""

    def __init__(self, given: WorkflowSubmission, types: TaskTypes, graphs: Graphs) -> None:
        self._given, self._types, self._graphs = given, types, graphs

    @property
    def weight(self) -> int:
        return weight(self._given)

    @property
    def queues(self) -> set[str]:
        """A node that does not say goes to "": where that is, is known when it begins."""
        return {node.queue or "" for node in all_nodes(self._given) if node.workflow is None}

    @property
    def encrypting(self) -> Sequence[str]:
        """Those of the other nodes take no secrets (engine/graphs.py)."""
        nodes = self._given.nodes.values()
        return [node.type for node in nodes if node.type is not None and node.for_each is UNSET]

    def checked(self, account: str, queues: tuple[str, ...]) -> Template:
        given = self._given
        try:
            self._graphs.new(
                begun_by(given, example),
                account=account,
                user=None,
                queues=queues,
                traceparent=None,
                known=NOTHING_KNOWN,
            )
            check_input(given)
        except Invalid as error:
            raise error.below("/workflow") from None
        return Template(workflow=self._bound(queues))

    def _bound(self, queues: tuple[str, ...]) -> WorkflowSubmission:
        def change(node: NodeSubmission, at: str) -> NodeSubmission:
            if node.workflow is not None:
                return replace(node, workflow=with_nodes(node.workflow, change, f"{at}/workflow"))
            return bound(node, at, self._types, queues)

        return with_nodes(self._given, change) if queues else self._given

    def work(self, schedule: Schedule, planned_at: datetime, by_hand: ByHand | None) -> NewWorkflow:
        return self._graphs.new(
            begun_by(self._given, tick_of(schedule, planned_at)),
            account=schedule.account_id,
            user=schedule.user_id,
            traceparent=None,
            known=NOTHING_KNOWN,
            schedule_id=schedule.id,
        )
