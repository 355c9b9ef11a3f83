"""What a tick starts: a task or a workflow, made from the schedule's template when it fires.

It is completed then, and not when the schedule is saved, so that what is left out takes the type's default of that day, and a
payload is checked against the schema of the worker that will run it. It is checked at the save, too, where whoever made a
mistake still hears of it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Raw

from taskflow_hub.domain.errors import NoSecretKeys, TaskflowError, Unavailable
from taskflow_hub.domain.schedule import ByHand, Schedule
from taskflow_hub.domain.schedule_template import Template, template_of, text_of
from taskflow_hub.domain.zone import zone
from taskflow_hub.engine.graphs import Graphs
from taskflow_hub.engine.payloads import beside
from taskflow_hub.engine.schedule_secrets import ScheduleSecrets
from taskflow_hub.engine.scheduled_task import ScheduledTask
from taskflow_hub.engine.scheduled_workflow import ScheduledWorkflow
from taskflow_hub.engine.task_types import TaskTypes
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.store.base_schedules import Work


class Scheduled(Protocol):
    """A task or a workflow that a schedule starts; its secrets are in the clear. Call the types' `refresh` first."""

    @property
    def weight(self) -> int:
        """So many bytes of JSON are checked in the time that it takes to check it."""
        ...

    @property
    def queues(self) -> set[str]:
        """Where it goes."""
        ...

    @property
    def encrypting(self) -> Sequence[str]:
        """The types of the tasks whose secrets are encrypted when it is made."""
        ...

    def checked(self, account: str, queues: tuple[str, ...]) -> Template:
        """As it is kept: with the queues that it goes to now, if `queues` are all there is for whoever asks.

        Raises Invalid naming each field that is wrong (below /task or /workflow), NoSecretKeys; Forbidden for another queue.
        """
        ...

    def work(self, schedule: Schedule, planned_at: datetime, by_hand: ByHand | None) -> Work:
        """Raises Invalid, NoSecretKeys."""
        ...


class ScheduleWorks:
    def __init__(self, types: TaskTypes, new_id: Callable[[], str], keyring: Keyring = NO_KEYS) -> None:
        self._types, self._keyring = types, keyring
        self._graphs, self._secrets = Graphs(types, new_id), ScheduleSecrets(types, keyring)

    @property
    def has_keys(self) -> bool:
        return bool(self._keyring)

    async def refresh(self) -> None:
        """Know what workers have declared of types; before everything else."""
        await self._types.refresh()

    async def template(
        self,
        given: Template,
        schedule_id: str,
        account: str,
        queues: tuple[str, ...] = (),
        old: Schedule | None = None,
    ) -> Raw:
        """As it is stored. What is given as it is shown of `old`, the schedule as it was, keeps its secrets.

        Raises what `Scheduled.checked` raises.
        """

        def made() -> Template:
            wanted = given if old is None else self._secrets.given_back(given, old)
            return self._secrets.sealed(self._of(wanted).checked(account, queues), schedule_id)

        return text_of(await beside(self._of(given).weight, made))

    def work(self, schedule: Schedule, planned_at: datetime, by_hand: ByHand | None) -> Work:
        """See `Make`."""
        return self._readable(schedule).work(schedule, planned_at, by_hand)

    def hindrance(self, schedule: Schedule) -> str | None:
        """Why its ticks cannot be decided here; None: they can."""
        try:
            _ = schedule.timing.ticks
            for type in self._readable(schedule).encrypting:
                self._secrets.require_key(type)
        except (NoSecretKeys, Unavailable) as error:
            return error.detail
        except TaskflowError:  # it is refused, and history says so
            return None
        return None

    def shown(self, schedule: Schedule) -> Template:
        """Without what is secret in it, as far as that is known by now; nothing where it cannot be read here."""
        try:
            return self._secrets.hidden(template_of(schedule))
        except Unavailable:
            return Template()

    def queues(self, schedule: Schedule) -> set[str] | None:
        """Where what it starts goes. None: it cannot be read here."""
        try:
            return self._of(template_of(schedule)).queues
        except Unavailable:
            return None

    def secrets(self) -> Mapping[str, tuple[str, ...]]:
        """The secret fields of each type that has any."""
        return self._types.secrets()

    def kept_secret(self, schedule: Schedule) -> Raw | None:
        """Its template with the secret fields encrypted with the key that is first by now. None: it is so, or is not to be read
        here."""
        try:
            there = template_of(schedule)
        except Unavailable:
            return None
        kept = self._secrets.kept(there, schedule.id)
        return None if kept == there else text_of(kept)

    def _readable(self, schedule: Schedule) -> Scheduled:
        """Raises Unavailable and NoSecretKeys for what cannot be read here, Invalid for what can be nowhere."""
        given = template_of(schedule)
        try:
            zone(schedule.timezone)
        except ValueError as error:
            raise Unavailable(f"The zone of the schedule cannot be read here: {error}.") from None
        return self._of(self._secrets.opened(given, schedule.id))

    def _of(self, given: Template) -> Scheduled:
        if given.workflow is not None:
            return ScheduledWorkflow(given.workflow, self._types, self._graphs)
        assert given.task is not None
        return ScheduledTask(given.task, self._types)
