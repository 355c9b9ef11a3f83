"""The servers of the bench keep to themselves."""

from pathlib import Path

from bench.servers import SqliteUnderTest


def test_each_run_on_sqlite_has_a_folder_of_its_own_and_touches_nothing_else(tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.write_text("not ours")
    (tmp_path / "sqlite").mkdir()
    server = SqliteUnderTest(tmp_path / "sqlite")
    paths = []
    for _ in range(2):
        server.empty()
        paths.append(Path(server.addresses()["BENCH_SQLITE_PATH"]))
        paths[-1].write_text("a run's")
    assert beside.read_text() == "not ours"
    assert paths[0].parent != paths[1].parent
    assert list(paths[1].parent.iterdir()) == [paths[1]]
