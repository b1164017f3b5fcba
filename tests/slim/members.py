"""Prints the attributes that the runtime's own objects have, as far as the package meets such objects. Any runtime."""

import binascii  # noqa: F401  what a board may lack shows here
import collections
import errno  # noqa: F401
import hashlib
import io
import json  # noqa: F401
import select
import socket
import sys


def generator():
    yield 1


def objects():
    """Instances of the types."""
    yield from ("", b"", bytearray(), memoryview(b"a"), 1, 1.5, True, None, [], {}, (), set(), range(1), object())
    yield from (generator, generator(), [].append, {}.items(), {}.keys(), {}.values(), iter([]), zip(), enumerate([]))
    yield from (Exception(), OSError(1), StopIteration(), KeyError(), ValueError(), UnicodeError(), property(generator))
    yield from (io.StringIO(), io.BytesIO(), io.IOBase, collections.OrderedDict(), collections.deque((), 1))
    yield from (hashlib.sha256(), sys.stdin, sys.implementation, select.poll())
    with open(sys.argv[1], "rb") as file:
        yield file
    with open(sys.argv[1]) as file:
        yield file
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    yield link
    link.close()
    try:
        import _thread

        yield _thread.allocate_lock()
    except ImportError:
        pass
    try:
        import tls

        yield tls.SSLContext
    except ImportError:
        pass


names = {}
for one in objects():
    for name in dir(one):
        if not name.startswith("_"):
            names[name] = True
print(" ".join(sorted(names)))
