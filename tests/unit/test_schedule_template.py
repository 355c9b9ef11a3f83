"""What a schedule starts, as it is stored: read, and changed payload by payload."""

import msgspec
import pytest
from msgspec import Raw

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.schedule_spec import TaskTemplate
from taskflow_hub.domain.schedule_template import Template, is_handled, template_of, text_of, with_payloads
from taskflow_hub.domain.workflow import read
from taskflow_hub.testing.store_contract.schedules import new_schedule

FLOW = read(
    b"""{"name":"w","input":{"x":1},"nodes":{
        "a":{"type":"t","payload":{"x":1}},
        "none":{"type":"t"},
        "each":{"type":"u","payload":{"x":2},"for_each":[1]},
        "in":{"payload":{"x":3},"workflow":{
            "nodes":{"b":{"type":"v","payload":{"x":4}}},"finally":{"type":"w","payload":{"x":5}}}}},
      "finally":{"type":"x","payload":{"x":6}}}"""
)


def payloads(template: Template) -> list[tuple[str, str, str]]:
    found = []

    def note(type: str, payload: Raw, at: str) -> Raw:
        found.append((type, bytes(payload).decode(), at))
        return payload

    assert with_payloads(template, note) == template
    return found


def test_of_a_workflow_the_payloads_of_all_its_tasks_are_changed_and_nothing_else() -> None:
    template = Template(workflow=FLOW, handled=("t",))
    assert payloads(template) == [
        ("t", '{"x":1}', "/nodes/a/payload"),
        ("u", '{"x":2}', "/nodes/each/payload"),
        ("v", '{"x":4}', "/nodes/in/workflow/nodes/b/payload"),
        ("w", '{"x":5}', "/nodes/in/workflow/finally/payload"),
        ("x", '{"x":6}', "/finally/payload"),
    ]
    changed = with_payloads(template, lambda *_: Raw(b'{"new":0}'))
    assert {text for _, text, _ in payloads(changed)} == {'{"new":0}'}
    before, after = msgspec.json.decode(text_of(template)), msgspec.json.decode(text_of(changed))
    assert after["workflow"]["nodes"]["in"]["payload"] == {"x": 3}
    assert (after["workflow"]["input"], after["handled"]) == (before["workflow"]["input"], ["t"])
    assert "payload" not in after["workflow"]["nodes"]["none"]


def test_of_a_task_its_payload_is_changed() -> None:
    assert payloads(Template(task=TaskTemplate(type="t"))) == [("t", "{}", "/payload")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"task":{"type":"t","wings":2}}', "unknown field `wings`"),
        ('{"workflow":{"name":"w","nodes":{"a":{"type":"t","wings":2}}}}', "unknown field `wings`"),
        ('{"choir":{}}', "neither a task nor a workflow"),
    ],
)
def test_what_another_version_wrote_is_not_read_but_it_is_known_whose_it_is(text: str, why: str) -> None:
    text = text[:-1] + ',"handled":["a","b"]}'
    schedule = new_schedule(type=None, template=Raw(text.encode()))
    with pytest.raises(Unavailable, match=f"cannot be read here: .*{why}.*Give it anew"):
        template_of(schedule)
    assert is_handled(schedule, ["b", "a", "c"])
    assert not is_handled(schedule, ["a", "c"])


def test_what_nobody_handles_is_nobodys() -> None:
    assert not is_handled(new_schedule(type=None, template=Raw(b"{}")), ["a"])
    assert is_handled(new_schedule(type="a", template=Raw(b"{}")), ["a"])
