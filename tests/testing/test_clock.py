"""The virtual clock and the hardware that lives in it."""

import pytest

from atiny.testing import VirtualClock, VirtualHardware


def test_time_passes_only_when_told():
    clock = VirtualClock(5)
    hardware = VirtualHardware(clock)
    assert hardware.gettime_ms() == 5
    clock.advance(10)
    clock.advance_to(20)
    assert hardware.gettime_ms() == 20


def test_time_does_not_go_back():
    clock = VirtualClock()
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance_to(clock.now_ms - 1)


def test_usleep_lets_the_clock_go_on():
    hardware = VirtualHardware(VirtualClock(0))
    for _ in range(4):
        hardware.usleep(700)
    assert hardware.gettime_ms() == 2
    hardware.usleep(1_000_200)
    assert hardware.gettime_ms() == 1003


def test_randomness_is_the_seeds():
    draws = [[VirtualHardware(seed=seed).random(n) for n in (0, 1, 16)] for seed in (1, 1, 2, "a", "a")]
    assert [len(draw) for draw in draws[0]] == [0, 1, 16]
    assert draws[0] == draws[1]
    assert draws[3] == draws[4]
    assert len({draw[2] for draw in draws}) == 3


def test_randomness_can_be_scripted():
    hardware, plain = VirtualHardware(seed=3), VirtualHardware(seed=3)
    hardware.script_random(b"\1\2\3")
    hardware.script_random(b"\4")
    assert hardware.random(3) == b"\1\2\3"
    assert hardware.random(2) == b"\4" + plain.random(1)
    assert hardware.random(4) == plain.random(4)


def test_the_log_and_the_memory():
    hardware = VirtualHardware()
    hardware.printf("one")
    hardware.printf("two")
    assert hardware.log == ["one", "two"]
    hardware.memory_bytes = (1, 2)
    assert hardware.memory() == (1, 2)
