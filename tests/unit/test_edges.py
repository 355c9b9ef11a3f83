"""Order, cycles, what references add, and who can never run, each against a slow and obvious model."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.edges import Cycle, Parents, joined, never, ordered
from taskflow_hub.domain.graph import Edge, On

NAMES = "abcdefg"
On_ = st.sampled_from(list(On))


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> dict[str, tuple[Edge, ...]]:
    """Without cycles; each node comes after some of those before it."""
    names = NAMES[: draw(st.integers(1, most))]
    return {
        name: tuple(Edge(parent, draw(On_)) for parent in names[:n] if draw(st.booleans()))
        for n, name in enumerate(names)
    }


def before(edges: Parents) -> dict[str, set[str]]:
    return {name: {edge.parent for edge in parents} for name, parents in edges.items()}


def runs(edges: Parents, fails: dict[str, bool]) -> set[str]:
    ran: set[str] = set()
    for name, parents in edges.items():
        ends = [
            edge.on is On.DONE or (edge.parent in ran and fails[edge.parent] is (edge.on is On.FAILURE))
            for edge in parents
        ]
        if all(ends):
            ran.add(name)
    return ran


@given(graphs(), st.randoms(use_true_random=False))
def test_parents_come_before_their_children_however_they_were_written(
    edges: dict[str, tuple[Edge, ...]], random: object
) -> None:
    names = list(edges)
    random.shuffle(names)  # type: ignore[attr-defined]
    order = ordered(names, before(edges))
    assert not isinstance(order, Cycle)
    assert sorted(order) == sorted(names)
    for name in names:
        assert all(order.index(edge.parent) < order.index(name) for edge in edges[name])


@given(graphs())
def test_an_order_that_is_right_is_kept(edges: dict[str, tuple[Edge, ...]]) -> None:
    assert ordered(list(edges), before(edges)) == tuple(edges)


@given(st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=3), min_size=1))
def test_a_cycle_that_is_named_is_one_and_none_is_missed(parents: dict[str, set[str]]) -> None:
    waits = {name: parents[name] & parents.keys() - {name} for name in parents}
    found = ordered(list(waits), waits)
    if isinstance(found, Cycle):
        assert len(set(found.nodes)) == len(found.nodes) >= 2
        for one, following in zip(found.nodes, [*found.nodes[1:], found.nodes[0]], strict=True):
            assert one in waits[following]
    else:
        assert all(found.index(parent) < found.index(name) for name in waits for parent in waits[name])


def test_a_cycle_is_told_from_the_node_that_was_written_first() -> None:
    found = ordered(["x", "b", "c", "a"], {"a": {"c"}, "b": {"a"}, "c": {"b"}, "x": {"a"}})
    assert str(found) == "b → c → a → b"


@given(graphs())
def test_who_can_never_run_is_found_by_trying_every_outcome(edges: dict[str, tuple[Edge, ...]]) -> None:
    can: set[str] = set()
    for outcome in product([False, True], repeat=len(edges)):
        can |= runs(edges, dict(zip(edges, outcome, strict=True)))
    cannot = edges.keys() - can
    # Told are those whose parents can run: the others cannot because of these.
    first = {
        name for name in cannot if all(edge.parent in can for edge in edges[name] if edge.on is not On.DONE)
    }
    found = never(list(edges), edges)
    assert {one.node for one in found} == first
    for one in found:
        assert {one.success, one.failure} <= {edge.parent for edge in edges[one.node]}
        assert one.ancestor in edges


@given(graphs(), st.data())
def test_a_reference_adds_an_edge_only_where_there_is_no_way_yet(
    edges: dict[str, tuple[Edge, ...]], data: st.DataObject
) -> None:
    names = list(edges)
    referred = {
        name: data.draw(st.sets(st.sampled_from(names[:n]), max_size=3)) if n else set()
        for n, name in enumerate(names)
    }
    found = joined(names, edges, referred)

    def above(name: str, of: Parents) -> set[str]:
        direct = {edge.parent for edge in of[name]}
        return direct.union(*(above(one, of) for one in direct))

    for name in names:
        assert found[name][: len(edges[name])] == edges[name]
        added = found[name][len(edges[name]) :]
        assert all(edge.on is On.SUCCESS for edge in added)
        assert {edge.parent for edge in added} <= referred[name]
        assert referred[name] <= above(name, found)
        others = above(name, {**found, name: edges[name]})
        for edge in added:  # none is there for nothing
            assert edge.parent not in others
            brought = set().union(*(above(one.parent, found) for one in added if one != edge))
            assert edge.parent not in brought


@pytest.mark.parametrize("size", [2_000])
def test_a_long_chain_is_no_trouble(size: int) -> None:
    names = [f"n{n}" for n in range(size)]
    edges = {name: (Edge(names[n - 1]),) if n else () for n, name in enumerate(names)}
    assert ordered(names[::-1], before(edges)) == tuple(names)
    assert joined(names, edges, {name: set(names[:1]) - {name} for name in names}) == edges
    assert never(names, edges) == []
    round_ = {**before(edges), "n0": {names[-1]}}
    cycle = ordered(names, round_)
    assert isinstance(cycle, Cycle)
    assert cycle.nodes == tuple(names)
