"""Who may open a DTLS session, and under which names: pre-shared keys by identity, and the rules of registration.

An identity is the bytes that a device shows in the handshake; they are UTF-8 (RFC 4279, 5.1). By default an identity
may register the endpoint name that it spells, and no other; a gateway, or a device whose identity says something else,
is given its endpoint names with `KeyStore.add`. An endpoint name that an identity may register is closed to devices
without DTLS: else whoever comes first would take it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from ..dtls.psk import check_psk
from ..errors import ParameterError


class KeyStore(MutableMapping[bytes, bytes]):
    """Pre-shared keys by identity; may be changed while the cloud runs, from any thread. Its keys are never shown.

    ``keys``: {identity: key}, identities as str or bytes, keys of 1 to 32 bytes. A key that is replaced counts from
    the next handshake on; an identity that is removed loses its session at once. Raises `ParameterError`::

        keys = KeyStore({"lamp-1": bytes.fromhex("000102")})
        keys.add("gateway", key, endpoints=("lamp-2", "lamp-3"))
        del keys["lamp-1"]
    """

    def __init__(self, keys: Mapping[Any, bytes] | None = None):
        # One entry holds both, so that a change is one assignment and no reader ever sees half of it.
        self._entries: dict[bytes, tuple[bytes, tuple[str, ...]]] = {}
        self._listeners: list[Callable[[bytes], None]] = []
        for identity, key in (keys or {}).items():
            self[identity] = key

    def add(self, identity: str | bytes, key: bytes, endpoints: Iterable[str] | None = None) -> None:
        """Add an identity, or replace it; ``endpoints``: the names that it may register, None: the one it spells."""
        name, key = check_psk(identity, key)
        try:
            spelt = name.decode()
        except UnicodeDecodeError:
            raise ParameterError(
                "the local cloud takes identities in UTF-8 only (RFC 4279, 5.1), not %s" % name.hex()
            ) from None
        if isinstance(endpoints, str):
            raise ParameterError("endpoints are given as a list of names, not as one string")
        self._entries[name] = key, (spelt,) if endpoints is None else tuple(endpoints)

    def endpoints(self, identity: str | bytes) -> tuple[str, ...]:
        """The endpoint names that an identity may register; none for one that is not known."""
        entry = self._entries.get(_name(identity))
        return () if entry is None else entry[1]

    def reserved(self, endpoint: str) -> bool:
        """Whether an endpoint name belongs to an identity, so that a device without DTLS must not use it."""
        return any(endpoint in endpoints for _, endpoints in list(self._entries.values()))

    def may_register(self, endpoint: str, identity: bytes | None) -> bool:
        """Whether a device may register under a name; ``identity``: the one of its session, None: it has no DTLS."""
        if identity is None:
            return not self.reserved(endpoint)
        return endpoint in self.endpoints(identity)

    def on_removed(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """Call ``listener(identity)`` for each identity that is removed, in the thread that does; returns the end."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def __getitem__(self, identity: str | bytes) -> bytes:
        return self._entries[_name(identity)][0]

    def __setitem__(self, identity: str | bytes, key: bytes) -> None:
        entry = self._entries.get(_name(identity))
        self.add(identity, key, None if entry is None else entry[1])

    def __delitem__(self, identity: str | bytes) -> None:
        name = _name(identity)
        del self._entries[name]
        for listener in tuple(self._listeners):
            listener(name)

    def __contains__(self, identity: object) -> bool:
        return isinstance(identity, (str, bytes)) and _name(identity) in self._entries

    def __iter__(self) -> Iterator[bytes]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"KeyStore of {len(self)}: {', '.join(map(shown, sorted(self)))}"


def identity_of(remote: Any) -> bytes | None:
    """The identity that a peer proved, from aiocoap's address of it; None for one without DTLS."""
    for claim in remote.authenticated_claims:
        if isinstance(claim, bytes):
            return claim
    return None


def shown(identity: bytes) -> str:
    """An identity as text that harms no terminal; it is the peer's word until a handshake has proved it."""
    try:
        text = identity.decode()
    except UnicodeDecodeError:
        text = ""
    return text if text.isprintable() and text else "0x" + identity.hex()


def _name(identity: str | bytes) -> bytes:
    return identity.encode() if isinstance(identity, str) else bytes(identity)
