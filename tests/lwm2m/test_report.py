"""The report queue: bounds, order, threads. What becomes of a report on its way is in `tests/test_agent.py`."""

import threading

import pytest

from atiny.errors import ATINY_RESOURCE_NOT_ENOUGH, QueueFull
from atiny.lwm2m.report import DEFAULT_CAPACITY, Report, ReportQueue
from atiny.params import ReportStatus
from atiny.testing import FakeMutex


def make(cookie=0):
    return Report(1, (19, 0, 0), b"data", cookie, None, True)


def test_a_new_report_is_pending():
    report = make(5)
    assert (report.type, report.path, report.payload, report.cookie) == (1, (19, 0, 0), b"data", 5)
    assert (report.status, report.done) == (ReportStatus.SEND_PENDING, False)


@pytest.mark.parametrize("status", range(7))
def test_every_status_can_be_final(status):
    report = make()
    report.finish(status)
    assert (report.status, report.done) == (status, True)
    assert ReportStatus.name(status) == ReportStatus.NAMES[status]


@pytest.mark.parametrize("capacity", [1, 2, DEFAULT_CAPACITY, 100])
def test_capacity_and_order(capacity):
    mutex = FakeMutex()
    queue = ReportQueue(mutex, capacity)
    assert (queue.first(), len(queue)) == (None, 0)
    reports = [make(cookie) for cookie in range(capacity + 1)]
    for report in reports[:capacity]:
        assert queue.put(report)
    for _ in range(2):
        with pytest.raises(QueueFull, match="holds %d reports" % capacity) as caught:
            queue.put(reports[capacity])
        assert caught.value.atiny_code == ATINY_RESOURCE_NOT_ENOUGH
        assert not mutex.locked
    assert len(queue) == capacity
    assert queue.first() is reports[0]
    assert queue.first() is reports[0], "looking takes nothing"
    assert queue.take() is reports[0]
    assert queue.put(reports[capacity]), "one has gone, one may come"
    assert [queue.take() for _ in range(capacity)] == reports[1:]
    assert (queue.first(), len(queue)) == (None, 0)
    assert not mutex.locked


def test_the_default_capacity_is_the_sdk_s():
    assert ReportQueue(FakeMutex()).capacity == DEFAULT_CAPACITY == 8


def test_take_all_and_close():
    mutex = FakeMutex()
    queue = ReportQueue(mutex)
    reports = [make(cookie) for cookie in range(3)]
    for report in reports:
        queue.put(report)
    assert queue.take_all() == reports
    assert queue.take_all() == []
    assert queue.put(reports[0])
    assert queue.take_all(True) == reports[:1]
    assert queue.put(reports[1]) is False, "it was not accepted"
    assert queue.take_all(True) == []
    assert (queue.first(), len(queue), mutex.locked) == (None, 0, False)


def test_threads_that_report_at_once():
    queue = ReportQueue(FakeMutex(), 50)
    taken: "list[Report]" = []

    def host(mine):
        for number in range(300):
            while True:
                try:
                    assert queue.put(make("%d-%03d" % (mine, number)))
                except QueueFull:
                    continue  # the loop takes some
                break

    threads = [threading.Thread(target=host, args=(mine,)) for mine in range(4)]
    for thread in threads:
        thread.start()
    while len(taken) < 1200:
        if queue.first() is not None:
            taken.append(queue.take())
    for thread in threads:
        thread.join()
    assert queue.take_all(True) == []
    cookies = [str(report.cookie) for report in taken]
    assert len(set(cookies)) == 1200, "all of them, each once"
    for mine in "0123":
        own = [cookie for cookie in cookies if cookie[0] == mine]
        assert own == sorted(own), "in the order of its thread"
