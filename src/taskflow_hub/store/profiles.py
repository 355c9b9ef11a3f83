"""What workers serve."""

from collections.abc import Collection, Iterable

from msgspec import Struct

Lane = tuple[str, str]  # queue, type


class Profile(Struct, frozen=True):
    """What a worker serves. `queues` empty: every queue."""

    queues: frozenset[str]
    types: frozenset[str]

    def serves(self, lane: Lane) -> bool:
        return lane[1] in self.types and (not self.queues or lane[0] in self.queues)


class Profiles:
    """The profiles of the workers alive, kept from lease to lease: they never change.

    A lease works with what `known` and `learn` answer, for another one may forget in between.
    """

    def __init__(self) -> None:
        self._known: dict[str, Profile] = {}

    def known(self, workers: Iterable[str]) -> dict[str, Profile]:
        """Those of these workers that need not be asked for."""
        known = self._known
        return {id: known[id] for id in workers if id in known}

    def learn(
        self, known: dict[str, Profile], rows: Iterable[tuple[str, Iterable[str], Iterable[str]]]
    ) -> dict[str, Profile]:
        """`known` and what was read of the others (id, queues, types). Whoever is in neither is forgotten."""
        learned = dict(known)
        shared = {profile: profile for profile in known.values()}
        for id, queues, types in rows:
            profile = Profile(frozenset(queues), frozenset(types))
            learned[id] = shared.setdefault(profile, profile)
        self._known = learned
        return learned


def part_served(lanes: Iterable[Lane], profiles: Collection[Profile]) -> tuple[list[Lane], list[Lane]]:
    """The lanes that somebody serves, and those that nobody does."""
    served: list[Lane] = []
    unserved: list[Lane] = []
    for lane in lanes:
        (served if any(profile.serves(lane) for profile in profiles) else unserved).append(lane)
    return served, unserved
