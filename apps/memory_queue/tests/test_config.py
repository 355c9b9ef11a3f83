import pytest

from memory_queue.config import BadConfig, Config, from_environ


def test_defaults() -> None:
    assert from_environ({}) == Config(workers=4, queue_size=64, error_rate=20, port=8080, host="127.0.0.1")


def test_what_is_empty_is_as_good_as_missing() -> None:
    assert from_environ(
        dict.fromkeys(("WORKERS", "QUEUE_SIZE", "ERROR_RATE", "PORT", "HOST"), "")
    ) == from_environ({})


def test_what_is_given_is_taken() -> None:
    given = {
        "WORKERS": "1",
        "QUEUE_SIZE": "100000",
        "ERROR_RATE": "0",
        "PORT": "65535",
        "HOST": "0.0.0.0",
        "X": "y",
    }
    assert from_environ(given) == Config(1, 100_000, 0, 65_535, "0.0.0.0")


@pytest.mark.parametrize("name", ["WORKERS", "QUEUE_SIZE", "ERROR_RATE", "PORT"])
@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "100001",
        "abc",
        "1.5",
        "1e2",
        "+4",
        " 4",
        "4 ",
        "4\n",
        "4_0",
        "0x4",
        "٤",
        "-",
        "--1",
        "true",
        "9" * 5000,
    ],
)
def test_what_is_no_number_in_its_bounds_is_named_with_a_fix(name: str, value: str) -> None:
    with pytest.raises(BadConfig) as caught:
        from_environ({name: value})
    said = str(caught.value)
    assert said.startswith(f"{name} must be a whole number from ")
    assert f"not {value!r}. Try {name}=" in said
    assert "\n" not in said


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(BadConfig) as caught:
        from_environ({"WORKERS": "0", "QUEUE_SIZE": "0", "ERROR_RATE": "101", "PORT": "x"})
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        "WORKERS",
        "QUEUE_SIZE",
        "ERROR_RATE",
        "PORT",
    ]
