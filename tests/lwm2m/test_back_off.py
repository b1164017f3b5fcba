"""The back-off between attempts to register, in virtual time."""

import pytest

from atiny.coap import codes
from atiny.coap.exchange import DONE, TIME_OUT
from atiny.coap.message import Message
from atiny.lwm2m.registration import CONNECTING, WAITING, Registration
from tests.lwm2m.registration_rig import Owner


class Retries:
    """A machine that cannot register, and when it tries."""

    def __init__(self, random, **options):
        self.owner = Owner(random)
        for name, value in options.items():
            setattr(self.owner.settings, name, value)
        self.registration = Registration(self.owner)
        self.registration.start()

    def delays(self, count):
        found = []
        for _ in range(count):
            self.registration.link_failed("no")
            due = self.registration.deadline()
            assert due is not None
            found.append(due - self.owner.ms)
            self.owner.ms = due - 1
            self.registration.handle_timer()
            assert self.registration.state == WAITING, "not before it is due"
            self.owner.ms = due
            self.registration.handle_timer()
            assert self.registration.state == CONNECTING
        return found


@pytest.mark.parametrize(
    ("random", "delays"),
    [
        (b"\x00\x00", [2000, 4000, 8000, 16000, 32000, 64000, 120000, 120000]),
        (b"\xff\xff", [2999, 5999, 11999, 23999, 47999, 95999, 179999, 179999]),
        (b"\x80\x00", [2500, 5000, 10000, 20000, 40000, 80000, 150000, 150000]),
    ],
)
def test_the_back_off_doubles_up_to_a_limit_and_has_jitter(random, delays):
    assert Retries(lambda n: random[:n]).delays(8) == delays


def test_the_back_off_never_ends_nor_overflows():
    retries = Retries(lambda n: bytes(n), retry_min_ms=500, retry_max_ms=60_000)
    assert retries.delays(2000)[7:] == [60_000] * 1993


@pytest.mark.parametrize("event", ["registered", "reconnect"])
def test_the_back_off_begins_anew(event):
    retries = Retries(lambda n: bytes(n))
    assert retries.delays(3) == [2000, 4000, 8000]
    if event == "registered":
        retries.registration.link_opened()
        assert retries.owner.on_done is not None
        retries.owner.on_done(DONE, Message(codes.CREATED))
        assert retries.registration.registered
    else:
        retries.registration.reconnect()
    assert retries.delays(2) == [2000, 4000]


def test_a_link_that_opens_does_not_shorten_it():
    retries = Retries(lambda n: bytes(n))
    for delay in (2000, 4000, 8000):
        retries.registration.link_opened()
        retries.owner.on_done(TIME_OUT, None)
        assert retries.registration.deadline() == retries.owner.ms + delay
        retries.owner.ms += delay
        retries.registration.handle_timer()


def test_failures_are_counted_until_one_succeeds():
    retries = Retries(lambda n: bytes(n))
    registration = retries.registration
    assert registration.failures == 0
    retries.delays(3)
    assert (registration.failures, retries.owner.calls.count("failed")) == (3, 3), "the owner is told of each"
    registration.drop()
    registration.start()
    assert registration.failures == 0, "it begins anew"
    retries.delays(2)
    registration.link_opened()
    assert registration.failures == 2
    retries.owner.on_done(DONE, Message(codes.CREATED))
    assert registration.failures == 0
