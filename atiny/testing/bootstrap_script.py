"""What a `VirtualBootstrapServer` asks of a device: operations, and the TLV in them.

The TLV is this module's own, so that a device's is not its peer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LINK_FORMAT, TLV = 40, 11542
MODE_PSK, MODE_NOSEC = 0, 3


@dataclass(frozen=True)
class Operation:
    """One request to the device; `discover`, `delete`, `write`, `account` and `finish` make them.

    ``pause_ms``: how long the server waits before it.
    """

    method: str
    path: str
    payload: bytes = field(default=b"", repr=False)
    content_format: int | None = None
    accept: int | None = None
    pause_ms: int = 0


def discover(path: str = "/", pause_ms: int = 0) -> Operation:
    """Bootstrap Discover."""
    return Operation("GET", path, accept=LINK_FORMAT, pause_ms=pause_ms)


def delete(path: str = "/", pause_ms: int = 0) -> Operation:
    """Bootstrap Delete."""
    return Operation("DELETE", path, pause_ms=pause_ms)


def write(path: str, value: Any, content_format: int | None = None, pause_ms: int = 0) -> Operation:
    """Bootstrap Write: bytes as they are (TLV unless said otherwise), a dict as the TLV of `tlv`."""
    payload = tlv(value) if isinstance(value, Mapping) else bytes(value)
    return Operation("PUT", path, payload, TLV if content_format is None else content_format, pause_ms=pause_ms)


def finish(pause_ms: int = 0) -> Operation:
    """Bootstrap Finish."""
    return Operation("POST", "/bs", pause_ms=pause_ms)


def account(
    uri: str,
    short_server_id: int = 123,
    psk: tuple[bytes, bytes] | None = None,
    *,
    instance: int = 0,
    lifetime_s: int = 86400,
    binding: str = "U",
    storing: bool = True,
    security: Mapping[int, Any] | None = None,
    server: Mapping[int, Any] | None = None,
) -> list[Operation]:
    """The writes of a server's account: /0/instance and /1/instance.

    ``security``, ``server``: {resource: value} besides or instead of what the rest says; None leaves one out.
    """
    identity, key = psk or (b"", b"")
    rows = {0: uri, 1: False, 2: MODE_PSK if psk else MODE_NOSEC, 3: identity, 4: b"", 5: key, 10: short_server_id}
    rows.update(security or {})
    others = {0: short_server_id, 1: lifetime_s, 6: storing, 7: binding}
    others.update(server or {})
    return [write(f"/0/{instance}", rows), write(f"/1/{instance}", others)]


def tlv(resources: Mapping[int, Any]) -> bytes:
    """{resource: value} as TLV (6.4.3): bytes, str, bool, int, {resource instance: value}; None is left out."""
    return b"".join(_entry(3, id, value) for id, value in resources.items() if value is not None)


def _entry(kind: int, id: int, value: Any) -> bytes:
    if isinstance(value, Mapping):
        kind, body = 2, b"".join(_entry(1, one, item) for one, item in value.items())
    else:
        body = _value(value)
    size = len(body)
    width = 0 if size < 8 else (size.bit_length() + 7) // 8
    head = kind << 6 | (id > 255) << 5 | (width << 3 if width else size)
    length = size.to_bytes(width, "big") if width else b""
    return bytes([head]) + id.to_bytes(1 + (id > 255), "big") + length + body


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        size = next(size for size in (1, 2, 4, 8) if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1)
        return value.to_bytes(size, "big", signed=True)
    return bytes(value)
