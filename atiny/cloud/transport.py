"""Where the cloud meets aiocoap's transports: the bound port, the timing, errors put into our words.

Requests to a device leave from the very socket that its Register came to, since a device's socket is mostly connected
to that address; aiocoap's udp6 does so for every message whose ``remote`` is the registration's. The secured transport
is one more `aiocoap.interfaces.MessageInterface` on the same context (`secured`): its addresses are as opaque to the
rest of the cloud as udp6's are.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import Any

import aiocoap
from aiocoap.numbers.constants import TransportTuning

from ..errors import TransportError
from . import errors

# What aiocoap (0.4) raises where a request is answered, or fails, in the turn of the loop in which it was given up.
GIVEN_UP = asyncio.InvalidStateError

_log = logging.getLogger("coap-server")


def tuning(ack_timeout_s: float, max_retransmit: int) -> TransportTuning:
    """RFC 7252 4.8's parameters for the requests of one cloud."""
    result = TransportTuning()
    result.ACK_TIMEOUT = ack_timeout_s
    result.MAX_RETRANSMIT = max_retransmit
    return result


async def open_context(site: Any, host: str, port: int) -> tuple[aiocoap.Context, str, int]:
    """A context that serves ``site`` on ``host`` and ``port`` (0: a free one); returns it with the real address.

    Raises `errors.PortInUse`, `errors.HostUnknown` or `TransportError`.
    """
    address = await _resolve(host, port)
    # aiocoap shares its port (SO_REUSEPORT): a second server would start and take half of the datagrams. This socket
    # is bound without sharing, which shows whether the port is free, and held until aiocoap has it.
    with bind(address, port) as holder:
        port = holder.getsockname()[1]
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        context = await aiocoap.Context.create_server_context(site, bind=(address, port), transports=["udp6"])
    _guard(context)
    return context, address, port


async def close_context(context: aiocoap.Context) -> None:
    """Shut a context down, releasing its port."""
    # A request that has just been received and has not been begun would be cancelled unstarted, which Python reports
    # as a coroutine that was never awaited. So: receive nothing more, let begin what was received, then end it all.
    for interface in context.request_interfaces:
        link = interface.token_interface.message_interface
        if hasattr(link, "stop_receiving"):
            link.stop_receiving()
        else:
            asyncio.get_running_loop().remove_reader(link.transport.get_extra_info("socket"))
    await asyncio.sleep(0)
    await context.shutdown()


def _guard(context: aiocoap.Context) -> None:
    """What aiocoap (0.4) takes for programming errors, and is none: options not in UTF-8, whose messages are dropped;
    a request that fails in the moment in which it is given up."""
    context.log.getChild("blockwise-requester").addFilter(_is_to_be_told)
    for interface in context.request_interfaces:
        link = interface.token_interface.message_interface
        receive = link.datagram_msg_received

        def guarded(data: bytes, ancdata: Any, flags: int, address: Any, receive: Any = receive) -> None:
            try:
                receive(data, ancdata, flags, address)
            except UnicodeDecodeError:
                _log.warning("ignoring a message from %s whose options are not UTF-8", address)
            except GIVEN_UP:
                pass

        link.datagram_msg_received = guarded


def _is_to_be_told(record: logging.LogRecord) -> bool:
    return "neither went to response nor to observation" not in record.msg


def bind(address: str, port: int) -> socket.socket:
    """A UDP socket at an address of this machine, which nobody shares.

    Raises `errors.PortInUse`, `errors.HostUnknown` or `TransportError`.
    """
    link = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        link.setblocking(False)
        link.bind((address, port))
    except PermissionError:
        link.close()
        raise TransportError(f"port {port} needs rights that this user does not have") from None
    except OSError as problem:
        link.close()
        if problem.errno == errno.EADDRINUSE:
            raise errors.PortInUse(address, port) from None
        raise errors.HostUnknown(f"cannot listen on {address}: {problem.strerror}") from None
    return link


async def _resolve(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as problem:
        raise errors.HostUnknown(f"cannot resolve {host!r}: {problem}") from None
    return str(found[0][4][0])


def describe(problem: Exception, what: str) -> errors.CloudError:
    """aiocoap's exception of a request as ours; ``what`` names the request ("GET /3/0 of lamp-1")."""
    if isinstance(problem, aiocoap.error.TimeoutError):
        return errors.DeviceTimeout(f"{what}: no answer, the retransmissions are used up")
    if isinstance(problem, aiocoap.error.MessageError):
        return errors.DeviceReset(f"{what}: answered with RST")
    if isinstance(problem, aiocoap.error.LibraryShutdown):
        return errors.DeviceGone(f"{what}: the cloud was stopped")
    if isinstance(problem, aiocoap.error.NetworkError):
        return errors.DeviceUnreachable(f"{what}: {problem.__cause__ or problem}")
    return errors.DeviceError(f"{what}: {problem or type(problem).__name__}")
