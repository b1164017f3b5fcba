"""Firmware update, sans-I/O: what object 5 asks for, and what a restart in the midst of it leads to.

The order in which things are written is what makes a power cut harmless: the record says Downloading before the storage
is erased, and Downloaded after the image was verified and `end_software_download` has returned; Updating before
`active_software` is called. Before that the image is read back: what the record's digest does not fit is not made to
run. So whichever write is the last one, the record that is found says no more than what is there.
"""

from ..coap.codes import INTERNAL_SERVER_ERROR, METHOD_NOT_ALLOWED
from ..errors import NotSupported, ParameterError, Rejected
from . import machine
from .activation import Activation
from .intake import refusal, result_of
from .machine import FAILURES, following
from .options import FirmwareOptions
from .package import PackageError
from .push import Push
from .record import PULL, PUSH, UpdateRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .intake import Intake
    from .package import PackageHead
    from .pull import Pull

URI_PATH = (5, 0, 1)
STATE_PATH = (5, 0, 3)
RESULT_PATH = (5, 0, 5)
NAME_PATH = (5, 0, 6)
VERSION_PATH = (5, 0, 7)

DIGEST_SIZE = 32


def _unheard(path: tuple, error: Exception) -> None:
    """Nobody wants to know."""


class Updater:
    """The firmware update of one device.

    ``storage``: a StorageDevice. ``clock.ms``: the time; ``random(n)``: n random bytes. ``host``: a `lwm2m.host.Host`.
    ``changed(path)``: a resource of object 5 has another value. ``told(state, result, done, total)``: how far it is:
    bytes of the file, ``total`` None where it is not known. ``failed(path, error)``: an error that is the host's to
    know of, as of its storage. ``sources``: of `Download`; to be completed before the loop runs.
    """

    def __init__(self, storage, options: FirmwareOptions, clock, random, host, changed, told, failed=_unheard):
        self.storage = storage
        self.options = options
        self.clock = clock
        self.random = random
        self.sources = list(options.sources)
        self.record = UpdateRecord(storage)
        self.name: "str | None" = None
        self.version: "str | None" = None
        self.push: "Push | None" = None
        self._pull: "Pull | None" = None
        self._activation: "Activation | None" = None
        self._tell_at = 0
        self._offline = False
        self.host = host
        self._changed = changed
        self._told = told
        self.failed = failed

    # -- what object 5 says

    @property
    def state(self) -> int:
        return self.record.state

    @property
    def result(self) -> int:
        return self.record.result

    @property
    def uri(self) -> str:
        return self._pull.uri if self._pull is not None else self.record.uri

    @property
    def done(self) -> int:
        """Bytes of the file that are here."""
        record = self.record
        if record.state != machine.DOWNLOADING:
            return record.total
        fed = 0 if self._intake is None else self._intake.fed
        # While a download that goes on after a restart gets the head once more, no less is here than before.
        return max(fed, record.written)

    @property
    def total(self) -> "int | None":
        """The length of the file; None where it is not known."""
        if self._intake is not None and self._intake.total is not None:
            return self._intake.total
        if self.push is not None:
            return self.push.total
        if self._pull is not None and self._pull.total is not None:
            return self._pull.total
        return self.record.total or None

    @property
    def supported_objects(self) -> bool:
        """/5/0/4. There is nothing to do for it: a device that comes from a restart registers, with all its objects."""
        return self.record.supported_objects

    @supported_objects.setter
    def supported_objects(self, value: bool) -> None:
        self.record.supported_objects = value
        self.record.save()

    @property
    def _intake(self) -> "Intake | None":
        if self.push is not None:
            return self.push.intake
        return None if self._pull is None else self._pull.intake

    # -- the start

    def start(self) -> None:
        """After each start of the device, before it registers: State and Result are right when this returns."""
        record = self.record
        found = None
        try:
            self.storage.init()
            record.load()
            found = record.state, record.result
            self._resume()
        except Exception as error:
            self.failed(RESULT_PATH, error)
        if found == (record.state, record.result) and found != (machine.IDLE, machine.NONE_YET):
            self._tell()  # else `settle` has

    def _resume(self) -> None:
        record = self.record
        state, result = record.state, record.result
        if state == machine.DOWNLOADING:
            if record.kind == PULL and record.uri:
                self._pull = self._new_pull(record.uri)  # None: what opened its URI is no longer there
            else:
                self.settle(FAILURES + machine.CONNECTION_LOST)
            return
        if state == machine.UPDATING:
            self.settle(machine.ACTIVE if self._runs() else machine.INACTIVE)
        elif (state, result) == (machine.DOWNLOADED, machine.UPDATE_FAILED):
            if self._runs():  # the boot loader tried it again
                self.settle(machine.ACTIVE)
        elif (state, result) == (machine.IDLE, machine.SUCCESS):
            if self._runs() is False:  # it did not show itself healthy, and was rolled back
                self.settle(machine.INACTIVE)
        if record.state == machine.DOWNLOADED and not self.options.trusts(record.check[DIGEST_SIZE:]):
            self.settle(machine.ROTTEN)

    def _runs(self) -> "bool | None":
        """Whether the image that was chosen runs; None where the storage cannot say."""
        try:
            return bool(self.storage.get_active_result())
        except Exception as error:
            self.failed(RESULT_PATH, error)
            return None

    # -- what servers ask

    def open_push(self, server: "int | None") -> Push:
        """The sink for a package that a server (its short id) writes."""
        return Push(self, server)

    def set_uri(self, uri: str) -> None:
        """Get the package from a URI; "" resets. `Rejected` where that cannot be now."""
        self.check_uri(uri)
        if not uri:
            self.reset()
            return
        pull = self._new_pull(uri)
        if pull is not None:
            self._begin(PULL, uri)
            self._pull = pull

    def check_uri(self, uri: str) -> None:
        """4.05 where a URI cannot be set now."""
        allowed = self.state == machine.IDLE if uri else following(self.state, machine.RESET) is not None
        if not allowed:
            raise Rejected(METHOD_NOT_ALLOWED, "an update is under way: write an empty URI first")

    def reset(self) -> None:
        """Give up what is under way; 4.05 while the device is being updated."""
        if following(self.state, machine.RESET) is None:
            raise Rejected(METHOD_NOT_ALLOWED, "the firmware is being updated")
        self.settle(machine.RESET)

    def update(self) -> "Any":
        """Update, where a package is there (else 4.05); returns the function to call once the server has its answer."""
        record = self.record
        if following(self.state, machine.UPDATE) is None:
            raise Rejected(METHOD_NOT_ALLOWED, "no package is there")
        try:
            self._enter(machine.UPDATE)
        except Exception as error:
            self.failed(STATE_PATH, error)
            raise Rejected(INTERNAL_SERVER_ERROR, "the storage failed") from None
        activation = self._activation = Activation(self, record.written, record.check[:DIGEST_SIZE])
        return activation.begin

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        busy = self._pull or self._activation
        return None if busy is None else busy.deadline()

    def handle_timer(self) -> None:
        """Do some of what is due; never for long."""
        busy = self._pull or self._activation
        if busy is not None:
            busy.handle_timer()

    def go_offline(self) -> None:
        """The host has no network."""
        self._offline = True
        if self._pull is not None:
            self._pull.go_offline()

    def go_online(self) -> None:
        """The host has a network again."""
        self._offline = False
        if self._pull is not None:
            self._pull.go_online()

    def stop(self) -> None:
        """The device stops; a download goes on when it starts again, a push does not."""
        if self._pull is not None:
            self._pull.cancel()
        self._pull = self.push = self._activation = None

    def _new_pull(self, uri: str) -> "Pull | None":
        """The way to get a package from a URI; where there is none, that is the result."""
        from .pull import Pull  # a device to which packages are pushed does not need it

        try:
            pull = Pull(self, uri)
        except ParameterError:
            self.settle(FAILURES + machine.INVALID_URI)
            return None
        except NotSupported:
            self.settle(FAILURES + machine.UNSUPPORTED_PROTOCOL)
            return None
        if self._offline:
            pull.go_offline()
        return pull

    # -- what a push or a pull says

    def push_begins(self, push: Push) -> None:
        """The first bytes of a package; 4.05 where another one is there or on its way."""
        other = self.push
        again = other is not None and other.server == push.server
        if self.state != machine.IDLE and not again:
            raise Rejected(METHOD_NOT_ALLOWED, "an update is under way: write an empty package first")
        self.push = None
        self._begin(PUSH, "")
        self.push = push

    def head_known(self, head: "PackageHead | None") -> None:
        """See `Intake`."""
        options = self.options
        if options.allow is not None and not options.allow(head):
            raise PackageError(machine.UNSUPPORTED_PACKAGE, "the device does not take this package")
        if head is not None and options.describe is not None:
            found = options.describe(head)
            if found is not None:
                self.name, self.version = found
                self._changed(NAME_PATH)
                self._changed(VERSION_PATH)

    def image_begins(self, mark: bytes) -> None:
        """See `Intake`."""
        record = self.record
        record.written = 0
        record.check = mark
        record.save()  # before anything is erased: what a download left before is not gone on with

    def moved(self, fed: int) -> None:
        """So much of the file is here: tell the host, now and then."""
        if fed >= self._tell_at:
            self._tell_at = fed + max(self.options.checkpoint, (self.total or 0) // 100)
            self._tell()

    def whole(self, intake: "Intake", announced: "int | None") -> None:
        """The file is at its end; `Rejected` where it is no good."""
        record = self.record
        try:
            digest = intake.finish(announced)
            record.written = intake.written
            record.total = intake.fed
            if record.kind == PULL:
                record.save()  # after a power cut within the next line there is nothing to write behind that end
            self.storage.end_software_download()
            record.etag = b""
            record.check = digest + self.options.trust
            self._enter(machine.WHOLE)
        except Exception as error:
            raise self.broke(error) from None
        self._pull = self.push = None

    def broke(self, error: Exception) -> Rejected:
        """A package cannot be taken, for that reason; returns what to answer."""
        result = result_of(error)
        if not isinstance(error, PackageError) and result != machine.NO_SPACE:
            self.failed((5, 0, 0), error)
        self.settle(FAILURES + result)
        return refusal(error)

    # -- the machine

    def _begin(self, kind: int, uri: str) -> None:
        record = self.record
        record.forget()
        record.kind = kind
        record.uri = uri
        self.name = self.version = None
        self._tell_at = 0
        try:
            self._enter(machine.BEGIN)
        except Exception as error:
            self.record.state = machine.DOWNLOADING  # if only to fail at once
            raise self.broke(error) from None

    def _enter(self, event: int) -> None:
        """Go on to what an event leads to, once that is written down; what the storage raises passes, and nothing
        has happened."""
        record = self.record
        before = record.state, record.result
        record.state, record.result = machine.TRANSITIONS[record.state, event]
        after = record.state, record.result
        try:
            record.save()
        except Exception:
            record.state, record.result = before
            raise
        self._moved_on(before, after)

    def settle(self, event: int) -> None:
        """Go on to what an event leads to, even where it cannot be written down."""
        record = self.record
        before = record.state, record.result
        record.state, record.result = machine.TRANSITIONS[record.state, event]
        uri, name = self.uri, self.name
        if self._pull is not None:
            self._pull.cancel()
        self._pull = self.push = None
        if record.state == machine.IDLE:
            record.forget()
            self.name = self.version = None
        try:
            record.save()
        except Exception as error:
            self.failed(STATE_PATH, error)
        self._moved_on(before, (record.state, record.result))
        if uri != self.uri:
            self._changed(URI_PATH)
        if name is not None and self.name is None:
            self._changed(NAME_PATH)
            self._changed(VERSION_PATH)

    def _moved_on(self, before: tuple, after: tuple) -> None:
        if before[0] != after[0]:
            self._changed(STATE_PATH)
        if before[1] != after[1]:
            self._changed(RESULT_PATH)
        self._tell()

    def _tell(self) -> None:
        self._told(self.record.state, self.record.result, self.done, self.total)
