"""The threads around a loop: one of them has it, the others hand over, wait, and are told."""

import threading

import pytest

from atiny import AtinyError, Client, NotSupported, Platform
from atiny.testing import VirtualPlatform
from atiny.threads import Threads

TIMEOUT_S = 10


def in_thread(function):
    """What a function gives in another thread, which has ended."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join(TIMEOUT_S)
    return found[0]


def test_one_thread_has_the_loop():
    threads = Threads(Platform())
    assert threads.enter()
    assert not threads.enter()
    assert not in_thread(threads.enter)
    threads.leave()
    assert in_thread(threads.enter)
    assert not threads.enter()


def test_the_thread_that_has_the_loop_cannot_wait_for_it():
    threads = Threads(Platform())
    threads.enter()
    with pytest.raises(AtinyError, match="callback"):
        threads.wait(lambda: False, None)
    threads.wait_for_end(lambda: False)  # at once, for the same reason


def test_who_waits_is_told_of_what_he_waits_for():
    threads = Threads(Platform())
    threads.enter()
    ended = [False, False]
    waiting = [threading.Thread(target=threads.wait, args=(lambda n=n: ended[n], None), daemon=True) for n in (0, 1)]
    for thread in waiting:
        thread.start()
    for number in (1, 0):
        ended[number] = True
        while waiting[number].is_alive():  # it may not have come to its waiting yet: then it need not be told
            threads.tell()
            waiting[number].join(0.001)
        assert waiting[0].is_alive() == (number == 1)
    assert threads._waiting == []


def test_what_has_ended_already_is_not_waited_for():
    threads = Threads(Platform())
    threads.enter()
    assert in_thread(lambda: threads.wait(lambda: True, None)) is None
    assert in_thread(lambda: threads.wait(lambda: False, 1)) is None, "nor what does not end, for ever"
    assert threads._waiting == []


def test_what_is_handed_over_comes_once():
    threads = Threads(Platform())
    handed = []

    def work(number):
        for n in range(500):
            threads.put(handed, (number, n))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    taken = []
    while len(taken) < 2000:
        taken += threads.take(handed)
    for worker in workers:
        worker.join()
    assert sorted(taken) == [(number, n) for number in range(4) for n in range(500)]
    assert threads.take(handed) == []


def test_a_thread_that_cannot_be_started_leaves_the_loop_free():
    client = Client("dev", "coap://server", platform=VirtualPlatform())
    with pytest.raises(NotSupported):
        client.start()
    assert client.step() is not None
