"""The blocks of a push: sizes, refusals, devices that forget or fall silent; against a device that is a list."""

import asyncio
from types import SimpleNamespace

import pytest

from atiny.cloud import errors
from atiny.cloud.exchange import Response
from atiny.cloud.fota_push import push

CONTENT = bytes(range(256)) * 20  # 5120 bytes
CONTINUE, CHANGED, INCOMPLETE, TOO_LARGE, REFUSED = 95, 68, 136, 141, 133


class ListDevice:
    """Keeps what is sent; ``faults``: {number of the request: a code, (code, szx) or an exception}."""

    def __init__(self, faults=None, szx=6):
        self.faults = faults or {}
        self.szx = szx
        self.sent = []
        self.body = b""

    async def send_block(self, code, path, payload, content_format, block1, size1):
        assert (code, path, content_format) == (3, "/5/0/0", 42)
        self.sent.append((block1, size1))
        fault = self.faults.get(len(self.sent))
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            code, szx = fault if isinstance(fault, tuple) else (fault, None)
            return answer(code, None if szx is None or block1 is None else (block1[0], False, szx))
        if block1 is None:
            self.body = payload
            return answer(CHANGED, None)
        number, more, szx = block1
        offset = number << (szx + 4)
        assert offset <= len(self.body), "a gap"
        assert len(payload) == 16 << szx or not more
        self.body = self.body[:offset] + payload
        return answer(CONTINUE if more else CHANGED, (number, more, min(szx, self.szx)))


def answer(code, block1):
    if block1 is not None:
        block1 = SimpleNamespace(size_exponent=block1[2])
    return Response("/5/0/0", code, message=SimpleNamespace(opt=SimpleNamespace(block1=block1)))


def pushed(device, content=CONTENT, heard=True):
    """(the answer, what progress was told, how often it was waited for the device)."""
    told = []
    waited = []

    async def wait():
        waited.append(1)
        return heard

    return asyncio.run(push(device, content, told.append, wait)), told, len(waited)


@pytest.mark.parametrize("size", [1, 1023, 1024])
def test_one_block_goes_without_the_option(size):
    device = ListDevice()
    response, told, _ = pushed(device, CONTENT[:size])
    assert (response.code, told, device.sent, device.body) == (CHANGED, [size], [(None, None)], CONTENT[:size])


@pytest.mark.parametrize("size", [1025, 2048, 5119, 5120])
def test_more_say_their_number_and_the_first_the_size(size):
    device = ListDevice()
    response, told, _ = pushed(device, CONTENT[:size])
    count = -(-size // 1024)
    assert response.code == CHANGED
    assert device.body == CONTENT[:size]
    assert [block for block, _ in device.sent] == [(n, n < count - 1, 6) for n in range(count)]
    assert [size1 for _, size1 in device.sent] == [size] + [None] * (count - 1)
    assert told == [min(1024 * (n + 1), size) for n in range(count)]


@pytest.mark.parametrize("szx", range(6))
def test_a_device_of_smaller_blocks(szx):
    device = ListDevice(szx=szx)
    assert pushed(device)[0].code == CHANGED
    assert device.body == CONTENT
    assert {block[2] for block, _ in device.sent[1:]} == {szx}


def test_a_first_block_that_is_too_large():
    device = ListDevice({1: (TOO_LARGE, 2)})
    assert pushed(device)[0].code == CHANGED
    assert device.body == CONTENT
    assert device.sent[1] == ((0, True, 2), len(CONTENT))


@pytest.mark.parametrize("fault", [REFUSED, TOO_LARGE, (TOO_LARGE, 6)])
@pytest.mark.parametrize("at", [1, 3])
def test_a_refusal_ends_it(at, fault):
    device = ListDevice({at: fault})
    response, told, _ = pushed(device)
    assert response.code == (fault if fault == REFUSED else TOO_LARGE)
    assert (len(device.sent), len(told)) == (at, at - 1)


def test_a_device_that_has_forgotten_gets_it_from_the_start():
    device = ListDevice({3: INCOMPLETE})
    response, told, _ = pushed(device)
    assert (response.code, device.body) == (CHANGED, CONTENT)
    assert told == [1024, 2048, 1024, 2048, 3072, 4096, 5120]


def test_a_device_that_forgets_again_and_again():
    device = ListDevice({2: INCOMPLETE, 4: INCOMPLETE, 6: INCOMPLETE})
    assert pushed(device)[0].code == INCOMPLETE
    assert len(device.sent) == 6


@pytest.mark.parametrize(
    "problem", [errors.DeviceTimeout, errors.DeviceGone, errors.DeviceAsleep, errors.UnknownDevice]
)
def test_a_block_that_was_not_answered_goes_again(problem):
    device = ListDevice({2: problem("x"), 3: problem("x")})
    response, _, waited = pushed(device)
    assert (response.code, device.body, waited) == (CHANGED, CONTENT, 2)
    assert device.sent[1] == device.sent[2] == device.sent[3]


@pytest.mark.parametrize(("heard", "sent"), [(False, 2), (True, 4)])
def test_a_device_that_is_not_heard_again(heard, sent):
    device = ListDevice({number: errors.DeviceTimeout("x") for number in range(2, 10)})
    with pytest.raises(errors.DeviceTimeout):
        pushed(device, heard=heard)
    assert len(device.sent) == sent


def test_a_reset_is_no_reason_to_try_again():
    device = ListDevice({2: errors.DeviceReset("x")})
    with pytest.raises(errors.DeviceReset):
        pushed(device)
    assert len(device.sent) == 2
