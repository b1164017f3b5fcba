"""Where a download gets a file from: what a source of files is, for those that a host brings itself.

A source for another scheme (http on MicroPython, say) is a class like this one, given to the client in
``FirmwareOptions(sources=(MySource(),))``::

    class MySource(Source):
        schemes = ("http",)

        def open(self, uri, offset, etag, receiver):
            return MyTransfer(...)      # begins; returns at once

The transfer then calls ``receiver``, always in the loop's thread (another thread hands over what it has by
`Loop.request`), never again after `end` or after `Transfer.cancel`:

1. ``receiver.begin(etag, total, offset)``, once it knows what it gets, and again where it has to start over. ``etag``:
   1 to 8 bytes that are others when the file is another one, or None where that cannot be told. ``total``: the length
   of the whole file in bytes, or None. ``offset``: where in the file what follows begins: the one that was asked for
   where the file is still the one of that ``etag``; 0 where it is not, or where only the whole file can be had.
2. ``receiver.data(data)`` for each part (bytes), in order. It stores them, which may take its time.
3. ``receiver.end(error, final, wait_ms)``, once: ``error`` None: that was all; a text: it failed. ``final``: another
   try is of no use. ``wait_ms``: how long the server wants to be left alone, 0 where it did not say.

Each of them may have the effect that the transfer is cancelled: look before the next.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Transfer:
    """A transfer that is under way."""

    def cancel(self) -> None:
        """End it, and release what it holds, without a word to the receiver. Also after its end; twice."""
        raise NotImplementedError


class Source:
    """A source of files. ``schemes``: those of the URIs that it can open, in small letters."""

    schemes: "tuple[str, ...]" = ()

    def open(self, uri: str, offset: int, etag: "bytes | None", receiver: "Any") -> Transfer:
        """Begin to get the file at ``uri`` from the byte ``offset`` on; never waits for the network.

        ``etag``: of the file that the bytes before ``offset`` are from; None where ``offset`` is 0. Raises
        `ParameterError` or `NotSupported` for what no further try would mend, `TransportError` or OSError for the rest.
        """
        raise NotImplementedError
