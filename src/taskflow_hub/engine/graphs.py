"""From a workflow that was asked for to one that the store can insert: what is known of task types is filled in and checked.

A payload in which references stand is checked as far as it is known. What a type encrypts is encrypted where the task is known
beforehand, so in plain nodes of the outermost workflow; everywhere else the store makes the task, and the store has no keys.
A `finally` that runs again is such a task, too.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from taskflow_hub.domain.errors import FieldError, Forbidden, Invalid
from taskflow_hub.domain.graph import FINALLY, Graph, Node, Template
from taskflow_hub.domain.schedule_spec import TaskTemplate
from taskflow_hub.domain.secret_fields import first_secret, leads_to_secret, values_at
from taskflow_hub.domain.submission import NO_PARAMETERS, Submission
from taskflow_hub.domain.wired import NO_INPUT, Wired, WiredNode, wired
from taskflow_hub.domain.workflow import NodeSubmission, WorkflowSubmission, all_nodes, invalid, octets_in
from taskflow_hub.engine.task_types import Known, TaskTypes
from taskflow_hub.store.values import NewTask, NewWorkflow

PER_NODE: Final = 1024  # bytes of payload that are checked in the time which the rest of a node takes
Given = TypeVar("Given", NodeSubmission, TaskTemplate)
_WAY_OUT: Final = (
    "a secret is encrypted for one task, which has to be known when the workflow is submitted: give it in a node without "
    "for_each, outside of sub-workflows, not in finally (of which a redrive makes a new task), and not by a reference; or let "
    "the handler fetch it"
)


def weight(wanted: WorkflowSubmission) -> int:
    """So many bytes of JSON are checked in the time that it takes to make it."""
    return octets_in(wanted) + PER_NODE * len(list(all_nodes(wanted)))


class Graphs:
    def __init__(self, types: TaskTypes, new_id: Callable[[], str]) -> None:
        self._types, self._new_id = types, new_id

    def new(
        self,
        wanted: WorkflowSubmission,
        *,
        account: str,
        user: str | None,
        queues: tuple[str, ...] = (),
        traceparent: str | None,
        known: Known,
        schedule_id: str | None = None,
    ) -> NewWorkflow:
        """`queues` are all that whoever asks may use; empty: any. Call the types' `refresh` first.

        Raises Invalid naming each node and field that is wrong, NoSecretKeys; Forbidden for what is not for these queues.
        """
        found = wired(wanted, self._types.result_schema)
        making = _Making(self._types, self._new_id, account, user, queues, traceparent, known)
        graph = making.graph(found)
        if making.errors:
            raise invalid(making.errors)
        return NewWorkflow(
            id=self._new_id(),
            account_id=account,
            user_id=user,
            name=wanted.name,
            graph=graph,
            tasks=making.tasks,
            input=NO_INPUT if wanted.input is UNSET else wanted.input,
            tags=wanted.tags,
            schedule_id=schedule_id,
            traceparent=traceparent,
        )


class _Making:
    def __init__(
        self,
        types: TaskTypes,
        new_id: Callable[[], str],
        account: str,
        user: str | None,
        queues: tuple[str, ...],
        traceparent: str | None,
        known: Known,
    ) -> None:
        self._types, self._new_id, self._known = types, new_id, known
        self._account, self._user, self._queues = account, user, queues
        self._traceparent = traceparent
        self.tasks: dict[str, NewTask] = {}
        self.errors: list[FieldError] = []

    def graph(self, found: Wired, *, outermost: bool = True) -> Graph:
        given = found.given
        last = found.last
        return Graph(
            name=None if outermost else given.name,
            nodes={name: self._node(name, node, outermost=outermost) for name, node in found.nodes.items()},
            last=None if last is None else self._node(FINALLY, last, outermost=outermost),
            max_concurrency=given.max_concurrency,
            deadline=given.deadline,
            result=given.result,
        )

    def _node(self, name: str, node: WiredNode, *, outermost: bool) -> Node:
        given = node.given
        task, graph = None, None
        payload: Raw | UnsetType = NO_INPUT if given.payload is UNSET else given.payload
        if node.inner is not None:
            graph = self.graph(node.inner, outermost=False)
        else:
            try:
                task, payload = self._task(name, node, outermost=outermost)
            except Invalid as error:
                self.errors.extend(error.errors)
        return Node(
            after=node.after,
            task=task,
            graph=graph,
            payload=payload,
            for_each=given.for_each,
            max_concurrency=given.max_concurrency,
            allow_failure=given.allow_failure,
        )

    def _task(self, name: str, node: WiredNode, *, outermost: bool) -> tuple[Template, Raw | UnsetType]:
        """How its tasks are made, and of what payload; UNSET: its task is among `tasks`, and has it."""
        at = node.at
        given = bound(node.given, at, self._types, self._queues)
        template = self._types.template(given, at, known=self._known)
        known_task = outermost and node.for_each is None
        encrypts = known_task and name != FINALLY
        filled = node.payload.resolve(_nothing)
        if known_task and node.payload.is_constant:
            if template.secret and not encrypts:
                _refuse_secrets(node, template, filled, filled, encrypts=False)
            self.tasks[name] = self._types.complete(
                _submission(given, filled),
                account=self._account,
                user=self._user,
                traceparent=self._traceparent,
                parent_id=None,
                at=at,
                known=self._known,
            )
            return template, UNSET
        holes = [place.pointer for place in node.payload.places]
        if "" not in holes:  # then nothing of it is known
            self._types.check_payload(template.type, bytes(filled), f"{at}/payload", holes=holes)
        payload = NO_PARAMETERS if given.payload is UNSET else given.payload
        if template.secret:
            _refuse_secrets(node, template, payload, filled, encrypts=encrypts)
        if known_task:
            id = self._new_id()
            payload = self._types.sealed(payload, template.secret, type=template.type, id=id)
            self.tasks[name] = NewTask(
                id=id,
                account_id=self._account,
                user_id=self._user,
                type=template.type,
                queue=template.queue,
                priority=template.priority,
                payload=payload,
                max_retries=template.max_retries,
                retry=template.retry,
                timeout=template.timeout,
                tags=template.tags,
                limits=template.limits,
                traceparent=self._traceparent,
            )
        return template, payload


def bound(given: Given, at: str, types: TaskTypes, queues: tuple[str, ...]) -> Given:
    """For a key that is for some queues only, with the queue that it goes to, and no other later on. Raises Forbidden."""
    if not queues:
        return given
    if given.limits:
        raise Forbidden(f"{at}/limits: Limits hold for the whole account; this key is for some queues only.")
    queue = types.queue_of(given)
    if queue not in queues:
        raise Forbidden(f"{at}/queue: This key is not for the queue {queue}.")
    return msgspec.structs.replace(given, queue=queue)


def _refuse_secrets(
    node: WiredNode, template: Template, payload: Raw, filled: Raw, *, encrypts: bool
) -> None:
    """Raises Invalid where a secret would have to be encrypted by who has no keys. `filled`: the payload without references;
    `encrypts`: whether this is done for what stands there."""
    at = f"{node.at}/payload"
    errors = []
    for place in node.payload.places:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in place.pointer.split("/")[1:]]
        hit = leads_to_secret(steps, template.secret)
        if hit is not None:
            errors.append(
                FieldError(f"{at}{place.pointer}/$ref", f"{hit} is secret in {template.type}: {_WAY_OUT}")
            )
    value = msgspec.json.decode(filled)
    found = first_secret(value, template.secret)
    if found is not None and not encrypts:
        errors.append(FieldError(f"{at}{found}", f"is secret in {template.type}: {_WAY_OUT}"))
    elif found is not None:
        written = msgspec.json.decode(payload)
        if list(values_at(written, template.secret)) != list(values_at(value, template.secret)):
            errors.append(FieldError(f"{at}{found}", 'is secret, and cannot stand in a {"$literal": …}'))
    if errors:
        raise invalid(errors)


def _submission(given: NodeSubmission, payload: Raw) -> Submission:
    assert given.type is not None
    return Submission(
        type=given.type,
        payload=payload,
        queue=given.queue,
        priority=given.priority,
        max_retries=given.max_retries,
        retry=given.retry,
        timeout=given.timeout,
        tags=given.tags,
        limits=given.limits,
    )


def _nothing(of: str, field: str) -> None:
    return None
