"""What is told of a token bucket (store/buckets.py) that several processes share, and that each has granted from."""

from typing import NamedTuple


class Charge(NamedTuple):
    """Some tokens that were granted, each at its time. Two numbers say all that matters: a bucket is full so much later, and at
    least so late. For a token moves that time on, from where it was or from when the token was granted, whichever is later; and
    many such steps together are one of the same kind."""

    later_s: float
    full_in_s: float  # from now, if it was full before the first of them; below 0: it is full again


def charged(full_in_s: float, charge: Charge) -> float:
    """In how many seconds a bucket is full now that was to be full in `full_in_s`."""
    return max(full_in_s + charge.later_s, charge.full_in_s)
