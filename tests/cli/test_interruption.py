"""Ctrl-C and SIGTERM, wherever they come."""

import signal
import sys
import threading
import weakref

import pytest

from atiny.cli import main


@pytest.fixture(params=[(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def interruption(request):
    """(signal, exit code), where Ctrl-C is not ignored, as it is in the background of a shell."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield request.param
    signal.signal(signal.SIGINT, former)


def command(monkeypatch, function):
    """Have the command ``atiny`` do that."""
    monkeypatch.setattr("atiny.cli.group.group.main", lambda *args, **options: function())


def test_in_the_middle_of_nothing(monkeypatch, interruption):
    number, code = interruption
    command(monkeypatch, lambda: signal.raise_signal(number))
    assert main([]) == code


def test_as_a_lock_is_released(monkeypatch, interruption):
    number, code = interruption

    def waits():
        try:
            signal.raise_signal(number)
        finally:
            threading.Lock().release()

    command(monkeypatch, waits)
    assert main([]) == code


def test_where_nothing_is_let_out(monkeypatch, interruption):
    number, code = interruption

    class Collected:
        pass

    def waits():
        collected = Collected()
        reference = weakref.ref(collected, lambda reference: signal.raise_signal(number))
        del collected
        assert reference() is None
        threading.Event().wait(30)
        raise AssertionError("it was lost")

    command(monkeypatch, waits)
    assert main([]) == code


def test_once_the_command_is_done_it_does_not_come_again(monkeypatch, interruption):
    number, _ = interruption

    class Collected:
        def __del__(self):
            signal.raise_signal(number)

    command(monkeypatch, lambda: Collected() and None)
    assert main([]) == 0
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


def test_what_else_nothing_is_let_out_of(monkeypatch):
    """It is told as ever."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))

    class Broken:
        def __del__(self):
            raise ValueError

    command(monkeypatch, lambda: Broken() and None)
    assert main([]) == 0
    assert told == [ValueError]


def test_an_error_is_no_interruption(monkeypatch):
    def fails():
        raise RuntimeError("cannot release un-acquired lock")

    command(monkeypatch, fails)
    with pytest.raises(RuntimeError):
        main([])


def test_a_background_job_is_ended_by_sigterm(monkeypatch):
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        command(monkeypatch, lambda: signal.raise_signal(signal.SIGTERM))
        assert main([]) == 143
    finally:
        signal.signal(signal.SIGINT, former)


def test_signals_are_given_back(monkeypatch):
    before = signal.getsignal(signal.SIGTERM), sys.unraisablehook
    command(monkeypatch, lambda: None)
    assert main([]) == 0
    assert (signal.getsignal(signal.SIGTERM), sys.unraisablehook) == before


def test_in_another_thread(monkeypatch):
    """Where signals are not to be had."""
    codes = []
    command(monkeypatch, lambda: None)
    thread = threading.Thread(target=lambda: codes.append(main([])))
    thread.start()
    thread.join(10)
    assert codes == [0]
