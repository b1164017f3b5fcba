"""A package pushed to a device: PUT of /5/0/0 in blocks (RFC 7959, 2.5; OMA LwM2M 1.0, E.6).

Each block takes its turn with whatever else is asked of the device, so commands go on beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiocoap.numbers.codes import Code

from . import errors, values
from .exchange import Response

if TYPE_CHECKING:
    from .device import Device

PACKAGE = "/5/0/0"
MAX_SZX = 6  # blocks of 1024 bytes
TRIES = 3  # of one block, where the device is not there; and of the whole, where it has forgotten what it got
UNSENT = (errors.DeviceTimeout, errors.DeviceUnreachable, errors.DeviceGone, errors.DeviceAsleep, errors.UnknownDevice)


async def push(
    device: Device, content: bytes, progress: Callable[[int], None], heard: Callable[[], Awaitable[bool]]
) -> Response:
    """Send it all; the device's last answer, which may be a refusal at any block.

    ``progress(done)``: that many bytes are acknowledged. ``heard()``: waits until a device that did not answer is heard
    again; False: it was not. Raises `errors.CloudError` where that is the end of it.
    """
    offset, szx, tries = 0, MAX_SZX, TRIES
    while True:
        response = await _patiently(device, content, offset, szx, heard)
        block1 = response.message.opt.block1
        offered = szx if block1 is None else min(szx, block1.size_exponent)
        if response.code == Code.REQUEST_ENTITY_TOO_LARGE and not offset and offered < szx:
            szx = offered
        elif response.code == Code.REQUEST_ENTITY_INCOMPLETE and offset and tries > 1:
            tries -= 1
            offset = 0
        elif not response.ok:
            return response
        else:
            offset = min(offset + (16 << szx), len(content))
            progress(offset)
            if offset == len(content):
                return response
            szx = offered  # a smaller one divides the offset


async def _patiently(
    device: Device, content: bytes, offset: int, szx: int, heard: Callable[[], Awaitable[bool]]
) -> Response:
    for left in range(TRIES - 1, -1, -1):
        try:
            return await _block(device, content, offset, szx)
        except UNSENT:
            if not left or not await heard():
                raise
    raise AssertionError("the last try returns or raises")


async def _block(device: Device, content: bytes, offset: int, szx: int) -> Response:
    size = 16 << szx
    block = content[offset : offset + size]
    more = offset + size < len(content)

    block1 = (offset // size, more, szx) if offset or more else None
    size1 = len(content) if more and not offset else None
    return await device.send_block(Code.PUT, PACKAGE, block, values.OPAQUE, block1, size1)
