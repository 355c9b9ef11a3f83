"""What becomes of accepted tasks, from outside: order, limits, retries, chance, ids that come twice."""

import re

from memory_queue.backoff import JITTER_S

from .service import PRODUCT, Service


def test_a_full_queue_refuses_and_takes_again_once_it_is_drained() -> None:
    with Service("--hold", "work", WORKERS="1", QUEUE_SIZE="2") as service:
        assert service.post(id="0")[0] == 202
        service.wait_for("^start id=0$")
        answers = [service.post(id=str(number)) for number in range(1, 10)]
        assert [status for status, _ in answers] == [202] * 2 + [429] * 7
        assert answers[-1] == (429, b"queue full\n")
        service.wait_for(r"^enqueue rejected: full id=\d$", 7)
        assert service.read("/stats") == {
            "queued": 2, "running": 1, "accepted": 3, "rejected": 7, "done": 0, "failed": 0, "accepting": True,
        }  # fmt: skip
        service.let_go()
        service.wait_for("^done ", 3)
        assert service.post(id="again")[0] == 202
        service.wait_for("^done id=again attempts=1 ")


def test_a_refused_duplicate_never_touches_the_live_task() -> None:
    with Service("--hold", "work", WORKERS="1", QUEUE_SIZE="1") as service:
        assert service.post(id="live", max_retries=3)[0] == 202
        service.wait_for("^start id=live$")
        assert service.post(id="other")[0] == 202
        assert service.post(id="live", max_retries=9)[0] == 429
        live = {"id": "live", "status": "running", "attempts": 1, "max_retries": 3}
        assert service.read("/tasks/live") == live
        service.let_go()
        service.wait_for("^done id=live ")
        assert service.read("/tasks/live") == {**live, "status": "done"}


def test_an_accepted_duplicate_is_a_task_of_its_own_and_the_newest_is_shown() -> None:
    with Service("--hold", "work", WORKERS="1", QUEUE_SIZE="5") as service:
        assert service.post(id="twin", max_retries=1)[0] == 202
        service.wait_for("^start id=twin$")
        assert service.post(id="twin", max_retries=2)[0] == 202
        newest = {"id": "twin", "status": "queued", "attempts": 0, "max_retries": 2}
        assert service.read("/tasks/twin") == newest
        service.let_go()
        service.wait_for("^done id=twin attempts=1 ", 2)
        assert service.read("/tasks/twin") == {**newest, "status": "done", "attempts": 1}
        assert service.read("/stats")["done"] == 2


def test_without_errors_every_task_is_done_at_its_first_attempt() -> None:
    with Service(ERROR_RATE="0") as service:
        for number in range(50):
            assert service.post(id=str(number), max_retries=3)[0] == 202
        assert len(service.wait_for(r"^done id=\d+ attempts=1 ", 50)) == 50
        assert all(0.1 <= slept <= 0.5 for slept in sleeps(service))


def test_with_nothing_but_errors_a_task_fails_after_all_its_attempts() -> None:
    with Service(ERROR_RATE="100", WORKERS="1") as service:
        assert service.post(id="hopeless", max_retries=3)[0] == 202
        service.wait_for("^failed id=hopeless attempts=4 ")
        slept = sleeps(service)
        assert all(0.1 <= work <= 0.5 for work in slept[::2])
        for pause, expected in zip(slept[1::2], (0.05, 0.1, 0.2), strict=True):
            assert abs(pause - expected) <= JITTER_S / 2 + 0.001  # the log rounds
        assert service.read("/tasks/hopeless")["status"] == "failed"


def test_a_retry_can_succeed() -> None:
    with Service("--failures", "2") as service:
        assert service.post(id="third", max_retries=2)[0] == 202
        service.wait_for("^done id=third attempts=3 ")
        assert service.post(id="second", max_retries=1)[0] == 202
        service.wait_for("^failed id=second attempts=2 ")


def test_between_attempts_a_task_is_running_and_holds_its_worker() -> None:
    with Service("--failures", "1", "--hold", "sleep", WORKERS="1") as service:
        assert service.post(id="pausing", max_retries=1)[0] == 202
        service.wait_for("^sleep ")
        assert service.post(id="next")[0] == 202
        assert service.read("/tasks/pausing") == {
            "id": "pausing",
            "status": "running",
            "attempts": 1,
            "max_retries": 1,
        }
        assert service.read("/tasks/next")["status"] == "queued"
        service.let_go()
        service.wait_for("^done id=pausing attempts=2 ")
        service.wait_for("^failed id=next attempts=1 ")


def test_one_of_five_attempts_fails() -> None:
    with Service(WORKERS="1", QUEUE_SIZE="1000") as service:
        asked = b"".join(
            b'POST /enqueue HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n{"id":"%04d"}' % number
            for number in range(1000)
        )
        assert service.say(asked + b"GET /healthz HTTP/1.0\r\n\r\n").count(b"HTTP/1.1 202 ") == 1000
        service.wait_for("^(done|failed) id=", 1000)
        assert 170 <= service.read("/stats")["failed"] <= 230


def test_never_more_run_than_there_are_workers_and_all_of_them_work() -> None:
    for workers, tasks in ((4, 40), (3, 12)):
        with Service("--scale", "0.02", WORKERS=str(workers)) as service:
            for number in range(tasks):
                assert service.post(id=str(number), max_retries=1)[0] == 202
            service.wait_for("^(done|failed) id=", tasks)
            running, most = set[str](), 0
            for event in service.matches(r"^(start|done|failed) id=(\d+)"):
                (running.add if event[1] == "start" else running.remove)(event[2])
                most = max(most, len(running))
            assert not running
            assert most == workers


def test_the_product_itself_takes_its_time() -> None:
    with Service(program=PRODUCT, ERROR_RATE="0") as service:
        assert service.post(id="real", payload="x")[0] == 202
        took = service.wait_for(r"done id=real attempts=1 dur=(\d+)ms$")[0]
        assert int(took[1]) >= 99
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} done ", took.string)


def sleeps(service: Service) -> list[float]:
    return [float(found[1]) for found in service.matches(r"^sleep ([\d.]+)$")]
