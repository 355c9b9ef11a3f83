"""Server-Sent Events, cut anywhere."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.client.sse import Event, Parser

TEXT = (
    b'retry: 1000\n\n: hello\n\nid: 7\nevent: task.running\ndata: {"a":\ndata: 1}\n\n'
    b"data:bare\r\n\r\nid: 8\rdata: \xd0\xb9\r\revent: empty\n\nunknown: x\ndata\n\ndata: unfinished"
)
EVENTS = [
    Event("task.running", '{"a":\n1}', "7"),
    Event("message", "bare", "7"),
    Event("message", "й", "8"),
    Event("message", "", "8"),
]


@given(st.lists(st.integers(0, len(TEXT))))
def test_where_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TEXT)]
    parser = Parser()
    chunks = [TEXT[start:end] for start, end in itertools.pairwise(edges)]
    assert [event for chunk in chunks for event in parser.feed(chunk)] == EVENTS
