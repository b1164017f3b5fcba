"""The life of a device, played from a tape: the same times, datagrams in and doings of its host give, on every runtime,
the same datagrams out, byte for byte.

A tape has one JSON array a line:

- ``["start", now]``: the power comes (again): a new client, on what its store has kept;
- ``["step", now, [[socket, word, data, refused], ...]]``: one pass. Socket number ``socket`` gives ``data`` (in
  hexadecimal) where the ``word`` is "recv"; with another word, or where there is ``refused``, that call raises an error
  that says ``data``;
- ``["do", now, name, arguments]``: the host calls that method of its `lives.Life`.

What comes out is lines: what the sockets were told, what the host was, what each step answered, what the store keeps.
`recording` makes tapes on CPython. Under MicroPython, from the project's folder, with that folder on the module path:

MICROPYPATH=.:.frozen micropython tests/micropython/replay.py LIFE FOLDER < tape
"""

import json
import sys

from atiny.adapter import base
from atiny.errors import TransportError

SEED = 4
RECORDS = ("accounts", "accounts_old", "attributes", "device_errors")


class Seeded:
    """Random bytes, the same on every runtime."""

    def __init__(self, seed: int):
        self.state = seed

    def bytes(self, count: int) -> bytes:
        out = bytearray()
        for _ in range(count):
            self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
            out.append(self.state >> 16 & 0xFF)
        return bytes(out)


class Hardware(base.Hardware):
    """The tape's time."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.random = Seeded(SEED).bytes

    def gettime_ms(self) -> int:
        return self.now_ms

    def printf(self, text: str) -> None:
        pass  # what it says of errors is each runtime's own


class Socket(base.Socket):
    """Receives what the tape says, and tells what it is told."""

    def __init__(self, player: "Player", number: int):
        self._player = player
        self._number = number

    def connect(self, host, port, proto):
        self._player.take(self._number, "connect")
        self._player.emit("connect %d %s %d %s" % (self._number, host, port, proto))

    def send(self, data):
        self._player.take(self._number, "send")
        self._player.emit("send %d %s" % (self._number, bytes(data).hex()))
        return len(data)

    def recv(self, size):
        return self._player.take(self._number, "recv")

    def fileno(self):
        """As of a socket that can be waited for; nobody does here."""

    def sleep(self):
        self._player.emit("sleep %d" % self._number)

    def wake(self):
        self._player.emit("wake %d" % self._number)

    def close(self):
        self._player.emit("close %d" % self._number)


class Signal(getattr(base, "Signal", object)):  # type: ignore[misc]  # a build without threads has none
    def __init__(self) -> None:
        self.raised = False

    def set(self):
        self.raised = True

    def wait(self, timeout_ms):
        return self.raised


class Mutex(getattr(base, "Mutex", object)):  # type: ignore[misc]
    """There is but one thread."""

    def lock(self):
        pass

    unlock = lock


class Storage(getattr(base, "StorageDevice", object)):  # type: ignore[misc]
    """Where firmware goes, in memory; it outlasts a start, and each operation is a line."""

    def __init__(self, emit) -> None:
        self.emit = emit
        self.software = b"old"
        self._new = bytearray()
        self._info = bytearray(512)
        self._chosen = self._active = False

    def restart(self):
        """The power comes again: what was chosen runs."""
        if self._chosen:
            self.software = bytes(self._new)
            self._chosen, self._active = False, True

    def init(self):
        pass

    def begin_software_download(self):
        self.emit("storage begin")
        self._new = bytearray()
        self._active = False

    def write_software(self, offset, data):
        self.emit("storage write %d %d %d" % (offset, len(data), sum(data)))
        self._new = self._new[:offset] + data

    def read_software(self, offset, length):
        return bytes(self._new[offset : offset + length])

    def end_software_download(self):
        self.emit("storage end %d" % len(self._new))

    def active_software(self):
        self.emit("storage activate")
        self._chosen = True

    def get_active_result(self):
        return self._active

    def write_update_info(self, offset, data):
        self.emit("storage info %d %s" % (offset, bytes(data).hex()))
        self._info[offset : offset + len(data)] = data

    def read_update_info(self, offset, length):
        return bytes(self._info[offset : offset + length])


class Platform(base.Platform):
    """Nothing but what the tape has; the store is the runtime's own, in a folder."""

    def __init__(self, player: "Player", folder: str):
        self._player = player
        base.Platform.__init__(
            self,
            socket=player.socket,
            hardware=player.hardware,
            mutex=Mutex,
            store=new_store(folder) if player.stores else None,
            storage=player.storage,
        )

    def signal(self):
        return Signal()

    def thread_id(self):
        return 1


class Player:
    """Plays a tape to a `lives.Life`; ``emit`` is told the lines."""

    def __init__(self, life, folder: str, emit):
        self.emit = emit
        self.hardware = Hardware()
        self.storage = Storage(emit) if life.upgrades else None
        self.stores = life.stores
        self._life = life
        self._folder = folder
        self._sockets = 0
        self._inputs: "list[list]" = []

    def play(self, entry: "list") -> None:
        """One entry of the tape."""
        word, self.hardware.now_ms = entry[0], entry[1]
        if word == "start":
            if self.storage is not None:
                self.storage.restart()
            self._life.start(Platform(self, self._folder))
        elif word == "step":
            self._inputs = [list(one) for one in entry[2]]
            step(self._life.client, self.hardware.now_ms, self.emit)
        elif word == "do":
            do(self._life, entry[2], entry[3], self.emit)

    def socket(self) -> Socket:
        self._sockets += 1
        return Socket(self, self._sockets - 1)

    def take(self, number: int, word: str) -> "bytes | None":
        """What the tape has for this call of a socket's method."""
        for index in range(len(self._inputs)):
            socket, method, data, refused = self._inputs[index]
            if socket == number and method == word:
                self._inputs.pop(index)
                if word != "recv" or refused is not None:
                    raise TransportError(data, refused=bool(refused))
                return bytes.fromhex(data)
        return None


def new_store(folder: str):
    """The runtime's own store, which not every slim build has."""
    from atiny import FileStore

    return FileStore(folder)


def keep(life, folder: str, emit) -> None:
    """The lines of what a store has kept."""
    if not life.stores:
        return
    store = new_store(folder)
    for name in RECORDS:
        record = store.get(name)
        emit("record %s %s" % (name, record if record is None else record.hex()))


def step(client, now: int, emit) -> "int | None":
    """One pass of a client, and its line."""
    due = client.step()
    until = client.sleep_until() if hasattr(client, "sleep_until") else None  # not in every slim build
    emit("step %d: due in %s, sleeps until %s, %d" % (now, due, until, client.registered))
    return due


def do(life, name: str, arguments: "list", emit) -> None:
    """Something that the host does, and its line."""
    emit("do %s%s" % (name, tuple(arguments)))
    getattr(life, name)(*arguments)


def main() -> None:
    from tests.micropython.lives import LIVES

    life = LIVES[sys.argv[1]](print)
    player = Player(life, sys.argv[2], print)
    for line in sys.stdin:
        player.play(json.loads(line))
    keep(life, sys.argv[2], print)


if __name__ == "__main__":
    main()
