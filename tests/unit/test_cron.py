"""Cron expressions on the clocks of all zones, against a slow and obvious model."""

import functools
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from struct import unpack
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.schedules import moments

from taskflow_hub.domain.cron import MAX_EXPRESSION, NICKNAMES, Cron, cron
from taskflow_hub.domain.zone import CALM, zone

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
ODD = (
    "Australia/Lord_Howe",  # half an hour
    "Antarctica/Troll",  # two hours
    "Europe/Dublin",  # winter is the exception
    "Africa/Casablanca",  # back for Ramadan
    "Pacific/Apia",  # a day that never was
    "America/Juneau",  # and one that was twice
    "Africa/Monrovia",  # offsets that are no whole minutes
    "Asia/Pyongyang",
    "America/Caracas",
    "Pacific/Kwajalein",
)


# --- where clocks are set ----------------------------------------------------------------------------------------------


@functools.cache
def listed_in(name: str) -> tuple[datetime, ...]:
    """Every change of the offset that the zone's file lists (RFC 9636); beyond, it has a rule."""
    on_disk = [path for folder in zoneinfo.TZPATH if (path := Path(folder, name)).is_file()]
    text = (on_disk[0] if on_disk else files("tzdata").joinpath("zoneinfo", *name.split("/"))).read_bytes()

    def header(at: int) -> tuple[int, ...]:
        return unpack(">6l", text[at + 20 : at + 44])

    isutc, isstd, leap, times, kinds, chars = header(0)
    start = 44 + times * 5 + kinds * 6 + chars + leap * 8 + isstd + isutc  # the first block has 32 bits only
    _, _, _, times, kinds, _ = header(start)
    at = start + 44
    moments = unpack(f">{times}q", text[at : at + times * 8])
    indices = text[at + times * 8 : at + times * 9]
    offsets = [unpack(">l", text[at + times * 9 + kind * 6 :][:4])[0] for kind in range(kinds)]
    shown = [offsets[0], *[offsets[index] for index in indices]] if offsets else []
    return tuple(
        [
            EPOCH + timedelta(seconds=moment)
            for moment, (was, now) in zip(moments, pairwise(shown), strict=True)
            if was != now and moment > -(2**34)
        ]
    )


@functools.cache
def changes_of(name: str) -> tuple[datetime, ...]:
    """Those that are listed, and those by the rule in two years to come."""
    by_rule = zone(name).changes(datetime(2044, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC))
    return tuple(sorted({*listed_in(name), *by_rule}))


def test_clocks_are_set_seldom_and_by_a_day_at_most() -> None:
    """What the hub's arithmetic rests on. Should the law of some country break it, this says so."""
    for name in ZONES:
        here = zone(name)
        for one, next_one in pairwise(changes_of(name)):
            assert next_one - one > CALM, name
        for change in changes_of(name):
            assert abs(here.offset(change) - here.offset(change - SECOND)) <= DAY, name


def test_every_change_of_a_clock_is_found() -> None:
    for name in ODD:
        if listed := listed_in(name):
            assert tuple(zone(name).changes(listed[0] - DAY, listed[-1])) == listed


# --- the model ---------------------------------------------------------------------------------------------------------


class Fields(NamedTuple):
    """An expression, and what it means."""

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    weekdays: frozenset[int]  # Monday is 0

    @property
    def keeps_pace(self) -> bool:
        *_, hour, _, _, _ = self.text.split()
        return hour == "*"

    def fits(self, shown: datetime) -> bool:
        return (
            shown.second in self.seconds
            and shown.minute in self.minutes
            and shown.hour in self.hours
            and shown.day in self.days
            and shown.weekday() in self.weekdays
        )


def model(fields: Fields, name: str, start: datetime, end: datetime) -> list[datetime]:
    """Walks the clock through every second of [start, end), or every minute if nothing happens between minutes."""
    info = zoneinfo.ZoneInfo(name)
    whole = all(not ((at.astimezone(info).utcoffset() or DAY) % MINUTE) for at in (start, end))
    step = MINUTE if whole and fields.seconds == {0} and not start.second else SECOND
    moments = [start + step * n for n in range((end - start) // step)]
    shown = [at.astimezone(info).replace(tzinfo=None) for at in moments]
    if fields.keeps_pace:
        return [at for at, time in zip(moments, shown, strict=True) if fields.fits(time)]
    first_shown: dict[datetime, datetime] = {}
    for at, time in zip(moments, shown, strict=True):
        first_shown.setdefault(time, at)
    found, time, passed, last = set(), shown[0], 0, max(shown)
    while time <= last:
        if fields.fits(time):
            if time in first_shown:
                found.add(first_shown[time])
            else:
                while shown[passed] < time:
                    passed += 1
                found.add(moments[passed])  # the first that the clock shows beyond it
        time += step
    return sorted(found)


def ticks(of: Cron, start: datetime, end: datetime) -> list[datetime]:
    found = []
    at = of.next_after(start - SECOND)
    while at is not None and at < end:
        found.append(at)
        at = of.next_after(at)
    return found


def agree(fields: Fields, name: str, start: datetime, end: datetime) -> None:
    expected = model(fields, name, start, end)
    here = cron(fields.text, name)
    about = f"{fields.text!r} in {name} from {start} to {end}"
    assert ticks(here, start, end) == expected, about
    assert here.count(start - SECOND, end - SECOND) == len(expected), about
    for at in expected[:2] + expected[-2:]:
        assert here.count(start - SECOND, at) == expected.index(at) + 1, about


def around(change: datetime, name: str) -> tuple[datetime, datetime]:
    here = zone(name)
    by = abs(here.offset(change) - here.offset(change - SECOND))
    return change - by - 2 * HOUR, change + by + 2 * HOUR


EVERY = frozenset(range(60))
ALL_HOURS, ALL_DAYS, ALL_WEEKDAYS = frozenset(range(24)), frozenset(range(1, 32)), frozenset(range(7))
EVERY_FIVE = Fields(
    "*/5 * * * *", frozenset({0}), frozenset(range(0, 60, 5)), ALL_HOURS, ALL_DAYS, ALL_WEEKDAYS
)
TIMES_OF_DAY = Fields(
    "7,30 0-23 * * *", frozenset({0}), frozenset({7, 30}), ALL_HOURS, ALL_DAYS, ALL_WEEKDAYS
)
EVERY_TWENTY_OF_EACH_HOUR = Fields(
    "*/20 0-23 * * *", frozenset({0}), frozenset({0, 20, 40}), ALL_HOURS, ALL_DAYS, ALL_WEEKDAYS
)
EVERY_SECOND_HOUR = Fields(
    "0 */2 * * *", frozenset({0}), frozenset({0}), frozenset(range(0, 24, 2)), ALL_DAYS, ALL_WEEKDAYS
)
ON_THE_HOUR = Fields("0 0-23 * * *", frozenset({0}), frozenset({0}), ALL_HOURS, ALL_DAYS, ALL_WEEKDAYS)


AROUND_CHANGES = (EVERY_FIVE, TIMES_OF_DAY, ON_THE_HOUR, EVERY_TWENTY_OF_EACH_HOUR, EVERY_SECOND_HOUR)


@pytest.mark.parametrize("fields", AROUND_CHANGES, ids=lambda fields: fields.text)
def test_the_latest_changes_of_every_zone(fields: Fields) -> None:
    for name in ZONES:
        for change in [at for at in changes_of(name) if at > EPOCH][-4:]:
            agree(fields, name, *around(change, name))


@pytest.mark.parametrize("name", ODD)
def test_every_change_of_odd_zones(name: str) -> None:
    for change in changes_of(name):
        for fields in AROUND_CHANGES:
            agree(fields, name, *around(change, name))


@st.composite
def numbers(draw: st.DrawFn, low: int, high: int) -> tuple[str, frozenset[int]]:
    """A field that names what it wants."""
    match draw(st.sampled_from(["one", "list", "range", "stepped"])):
        case "one":
            one = draw(st.integers(low, high))
            return str(one), frozenset({one})
        case "list":
            some = draw(st.lists(st.integers(low, high), min_size=2, max_size=4))
            return ",".join(map(str, some)), frozenset(some)
        case "range":
            first, last = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
            return f"{first}-{last}", frozenset(range(first, last + 1))
        case _:
            first, step = draw(st.integers(low, high - 1)), draw(st.integers(1, 30))
            return f"{first}-{high}/{step}", frozenset(range(first, high + 1, step))


@st.composite
def stars(draw: st.DrawFn, low: int, high: int) -> tuple[str, frozenset[int]]:
    step = draw(st.integers(1, high))
    return ("*" if step == 1 else f"*/{step}"), frozenset(range(low, high + 1, step))


@st.composite
def expressions(draw: st.DrawFn) -> Fields:
    second = draw(st.one_of(st.just(("", frozenset({0}))), numbers(0, 59), stars(0, 59)))
    minute = draw(st.one_of(numbers(0, 59), numbers(0, 59), stars(0, 59)))
    hour = draw(st.one_of(numbers(0, 23), numbers(0, 3), stars(0, 23)))
    days, weekdays = ("*", ALL_DAYS), ("*", ALL_WEEKDAYS)
    match draw(st.sampled_from(["", "", "days", "weekdays"])):
        case "days":
            days = draw(numbers(1, 28))
        case "weekdays":
            text, named = draw(numbers(0, 6))
            weekdays = text, frozenset((day - 1) % 7 for day in named)
    text = " ".join([second[0], minute[0], hour[0], days[0], "*", weekdays[0]]).strip()
    return Fields(text, second[1], minute[1], hour[1], days[1], weekdays[1])


@given(fields=expressions(), name=st.sampled_from(ZONES), data=st.data())
@settings(max_examples=120, deadline=None)
def test_any_expression_around_any_change_of_any_zone(fields: Fields, name: str, data: st.DataObject) -> None:
    if not changes_of(name):
        start = data.draw(moments("1971-01-01", "2060-01-01"))
        start = start.replace(microsecond=0)
        end = start + 5 * HOUR
    else:
        change = data.draw(st.sampled_from(changes_of(name)))
        start, end = around(change, name)
        if end - start > DAY and fields.seconds != {0}:  # second by second, two days take too long
            fields = fields._replace(text=fields.text.split(maxsplit=1)[1], seconds=frozenset({0}))
    agree(fields, name, start, end)


@given(
    fields=expressions(),
    name=st.sampled_from(ZONES),
    at=moments("1971-01-01", "2200-01-01"),
)
@settings(max_examples=200, deadline=None)
def test_nothing_lies_between_a_moment_and_the_next(fields: Fields, name: str, at: datetime) -> None:
    """Over long ways, too: of yearly ones, and with many changes between."""
    here = cron(fields.text, name)
    found = here.next_after(at)
    assert found is not None
    assert found > at
    assert here.count(at, found) == 1
    assert here.count(at, found - SECOND) == 0
    later = here.next_after(found)
    assert later is not None
    assert later > found
    assert here.count(at, later) == 2


# --- as people know it -------------------------------------------------------------------------------------------------


def shown(expression: str, name: str, start: str, count: int) -> list[str]:
    here, at = cron(expression, name), datetime.fromisoformat(start)
    found = []
    for _ in range(count):
        at = here.next_after(at)  # type: ignore[assignment]
        found.append(here.zone.local(at).isoformat())
    return found


def test_a_time_in_a_gap_runs_once_at_its_end() -> None:
    assert shown("30 2 * * *", "Europe/Amsterdam", "2026-03-28T12:00:00Z", 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]
    assert shown("0,30 2,3 * * *", "Europe/Amsterdam", "2026-03-28T12:00:00Z", 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:30:00+02:00",
    ]


def test_a_time_that_comes_twice_runs_once_the_first_time() -> None:
    assert shown("30 2 * * *", "Europe/Amsterdam", "2026-10-24T12:00:00Z", 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_a_pace_is_kept() -> None:
    assert shown("*/30 * * * *", "Europe/Amsterdam", "2026-10-25T00:00:00Z", 5) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:00:00+01:00",
        "2026-10-25T03:30:00+01:00",
    ]
    assert shown("*/30 * * * *", "Australia/Lord_Howe", "2026-10-03T15:15:00Z", 2) == [
        "2026-10-04T02:30:00+11:00",
        "2026-10-04T03:00:00+11:00",
    ]


@pytest.mark.parametrize("expression", ["*/30 2 * * *", "0 */2 * * *", "30 2 * * *"])
def test_an_hour_that_is_named_runs_once_whatever_the_minute_is(expression: str) -> None:
    """In a gap once, at the first valid instant; in an overlap what the clock shows twice runs the first time."""
    here = cron(expression, "Europe/Amsterdam")
    gap = datetime.fromisoformat("2026-03-29T01:00Z")
    assert [at for at in ticks(here, gap - HOUR / 2, gap + HOUR / 2) if at >= gap] == [gap]
    again = datetime.fromisoformat("2026-10-25T01:00Z")  # from when on it is two o'clock the second time
    assert ticks(here, again, again + HOUR) == []
    assert len(ticks(here, again - HOUR, again)) == here.count(again - HOUR - SECOND, again - SECOND) >= 1


def test_a_day_that_never_was() -> None:
    assert shown("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3) == [
        "2011-12-29T09:00:00-10:00",
        "2011-12-31T00:00:00+14:00",
        "2011-12-31T09:00:00+14:00",
    ]


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("@hourly", "2026-11-30T11:00:00+00:00"),
        ("@daily", "2026-12-01T00:00:00+00:00"),
        ("@midnight", "2026-12-01T00:00:00+00:00"),
        ("@weekly", "2026-12-06T00:00:00+00:00"),
        ("@Monthly", "2026-12-01T00:00:00+00:00"),
        (" @yearly ", "2027-01-01T00:00:00+00:00"),
        ("@annually", "2027-01-01T00:00:00+00:00"),
        ("0 9 * jan-mar mon,WED", "2027-01-04T09:00:00+00:00"),
        ("0 9 * * 7", "2026-12-06T09:00:00+00:00"),
        ("0 9 L * *", "2026-12-31T09:00:00+00:00"),
        ("0 9 LW 1 *", "2027-01-29T09:00:00+00:00"),
        ("0 9 * * MON#2", "2026-12-14T09:00:00+00:00"),
        ("15 15 10 30 * *", "2026-11-30T10:15:15+00:00"),
        ("* * 29 2 *", "2028-02-29T00:00:00+00:00"),
        ("0 0 13 * FRI", "2026-12-04T00:00:00+00:00"),
    ],
)
def test_what_can_be_said(expression: str, first: str) -> None:
    assert shown(expression, "UTC", "2026-11-30T10:15:00Z", 1) == [first]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("61 * * * *", "its field minute, '61', is not understood: 0 to 59; also *, */5, 1-5 and 1,3"),
        ("* 24 * * *", "its field hour, '24'"),
        ("0 61 * * * *", "its field minute, '61'"),
        ("61 0 * * * *", "its field second, '61'"),
        ("* * 0 * *", "its field day-of-month, '0'"),
        ("* * * 13 *", "its field month, '13'"),
        ("* * * * FUNDAY", "its field day-of-week, 'FUNDAY'"),
        ("*/0 * * * *", "its field minute, '*/0'"),
        ("5-1 * * * *", "its field minute, '5-1'"),
        ("١ * * * *", "its field minute, '١'"),
        ("* * * *", "has 4 fields"),
        ("", "has 0 fields"),
        ("daily", "has 1 field;"),
        ("@reboot", "'@reboot' is none of @hourly"),
        ("@every 5m", "is a period: give that as `every`"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 2,4,6 *", "never comes"),
        ("* " * 120, "has 240 characters"),
    ],
)
def test_what_is_wrong_is_said(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^") as caught:
        Cron(expression)
    assert str(caught.value).startswith(said)


@given(st.text(alphabet="0123456789*/,-#LW@ aMON?", max_size=40) | st.text(max_size=MAX_EXPRESSION + 10))
@settings(max_examples=300, deadline=None)
def test_nonsense_is_a_value_error_or_comes(expression: str) -> None:
    try:
        here = Cron(expression)
    except ValueError:
        return
    assert here.next_after(datetime(2026, 1, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "a" * 65, "Europe", "a\0b"]
)
def test_a_name_that_no_zone_has(name: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone(name)


@pytest.mark.parametrize(
    "name",
    ["localtime", "posixrules", "Factory", "right/UTC", "right/Europe/Amsterdam", "posix/Europe/Amsterdam"],
)
def test_what_depends_on_the_machine_or_counts_leap_seconds_is_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is not the same on every machine.*Europe/Amsterdam"):
        zone(name)


def test_it_ends_with_the_calendar() -> None:
    assert Cron("0 0 1 1 *").next_after(datetime(9999, 6, 1, tzinfo=UTC)) is None
    assert Cron("* * * * *", "Asia/Tokyo").next_after(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) is None


def test_nicknames_are_expressions() -> None:
    for expression in NICKNAMES.values():
        assert Cron(expression).words
