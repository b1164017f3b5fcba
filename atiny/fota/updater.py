"""Firmware update, sans-I/O: what object 5 asks for, and what a restart in the midst of it leads to.

The order in which things are written is what makes a power cut harmless: the record says Downloading before the storage
is erased, and Downloaded after the image was verified and `end_software_download` has returned; Updating before
`active_software` is called. Before that the image is read back: what the record's digest does not fit is not made to
run. So whichever write is the last one, the record that is found says no more than what is there.
"""

from hashlib import sha256

from ..coap.codes import (
    BAD_REQUEST,
    INTERNAL_SERVER_ERROR,
    METHOD_NOT_ALLOWED,
    REQUEST_ENTITY_TOO_LARGE,
    UNSUPPORTED_CONTENT_FORMAT,
)
from ..commands import ATINY_DO_DEV_REBOOT
from ..errors import NotSupported, ParameterError, Rejected
from .intake import Push, read_back
from .machine import (
    CONNECTION_LOST,
    DOWNLOADED,
    DOWNLOADING,
    IDLE,
    INTEGRITY,
    INVALID_URI,
    NO_MEMORY,
    NO_SPACE,
    NONE_YET,
    SUCCESS,
    TRANSITIONS,
    UNSUPPORTED_PACKAGE,
    UNSUPPORTED_PROTOCOL,
    UPDATE_FAILED,
    UPDATING,
)
from .package import HASH_SIZE, PackageError
from .record import PULL, UpdateRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .intake import Intake
    from .options import FirmwareOptions
    from .pull import Pull

# Resources of object 5
PACKAGE = 0
URI = 1
STATE = 3
RESULT = 5
NAME = 6
VERSION = 7

DELAY_MS = 1000  # who observes State hears of Updating before the device restarts

# (State, Result) after which an image was chosen: it may run now, or run no more.
_CHOSEN = ((UPDATING, NONE_YET), (DOWNLOADED, UPDATE_FAILED), (IDLE, SUCCESS))
# What a server that pushes is answered; any other result is 5.00.
_ANSWERS = {
    NO_SPACE: REQUEST_ENTITY_TOO_LARGE,
    INTEGRITY: BAD_REQUEST,
    UNSUPPORTED_PACKAGE: UNSUPPORTED_CONTENT_FORMAT,
}

_ENOMEM = 12
# ENOSPC, EFBIG, and EDQUOT of Linux, macOS and BSD: MicroPython's errno has not all of them.
_FULL = (28, 27, 122, 69)


class Updater:
    """The firmware update of one device.

    ``agent`` has: ``clock.ms``, the time; ``random(n)``, n random bytes; ``host``, a `lwm2m.host.Host`;
    ``model_changed(path)``, a resource of object 5 has another value; ``firmware_moved(state, result, done, total)``,
    how far it is: bytes of the file, ``total`` None where it is not known; ``handler_failed(path, error)``, an error
    that is the host's to know of, as of its storage. ``storage``: a StorageDevice.

    ``name``, ``version``: of the package, or None. ``sources``: of `Download`, to be completed before `start`; None:
    packages are pushed only. ``intake``: what is on its way, the `Push` of a server or ``pull``.
    """

    def __init__(self, agent, storage, options: "FirmwareOptions"):
        self.agent = agent
        self.storage = storage
        self.options = options
        self.record = UpdateRecord(storage)
        self.sources: "list[Any] | None" = None
        if options.sources is not None:
            self.sources = list(options.sources)
        self.name: "str | None" = None
        self.version: "str | None" = None
        self.intake: "Intake | None" = None
        self.pull: "Pull | None" = None
        self._tell_at = 0
        self._digest: "Any" = None  # of what was read back of an image that is to run
        self._position = 0
        self._due: "int | None" = None

    # -- the start

    def start(self) -> None:
        """After each start of the device, before it registers: State and Result are right when this returns."""
        record = self.record
        found = None
        try:
            self.storage.init()
            record.load()
            found = record.state, record.result
            if record.state == DOWNLOADING:
                if record.kind == PULL and record.uri:
                    self.intake = self.pull = self._new_pull(record.uri)  # None: what opened it is no longer there
                else:
                    self.settle(CONNECTION_LOST)
            else:
                self._resume()
        except Exception as error:
            self.failed(RESULT, error)
        if found == (record.state, record.result) and found != (IDLE, NONE_YET):
            self._tell()  # else `settle` has

    def _resume(self) -> None:
        """What became of an image that was whole."""
        record = self.record
        state = record.state
        if (state, record.result) in _CHOSEN:
            runs = state == IDLE  # as it is, where the storage cannot say
            try:
                runs = bool(self.storage.get_active_result())
            except Exception as error:
                self.failed(RESULT, error)
            if runs:
                if state != IDLE:
                    self.settle(SUCCESS)
            elif state != DOWNLOADED:
                self.settle(UPDATE_FAILED, DOWNLOADED if state == UPDATING else IDLE)
        options = self.options
        if record.state == DOWNLOADED and options.signer is not None and record.check[HASH_SIZE:] != options.trust:
            self.settle(INTEGRITY)  # it was not verified with the key of today

    # -- what servers ask

    def open_push(self, server: "int | None") -> Push:
        """The sink for a package that a server (its short id) writes."""
        return Push(self, server)

    def check_uri(self, uri: str) -> None:
        """4.05 where a URI cannot be set now, or where "" cannot reset."""
        state = self.record.state
        if uri and state != IDLE:
            raise Rejected(METHOD_NOT_ALLOWED, "an update is under way: write an empty URI first")
        if state == UPDATING:
            raise Rejected(METHOD_NOT_ALLOWED, "the firmware is being updated")

    def set_uri(self, uri: str) -> None:
        """Get the package from a URI; "" gives up what is under way. `Rejected` where that cannot be now."""
        self.check_uri(uri)
        if not uri:
            self.settle(NONE_YET)
            return
        pull = self._new_pull(uri)
        if pull is not None:
            self.begin(pull, PULL, uri)
            self.pull = pull

    def update(self) -> "Any":
        """Update, where a package is there (else 4.05); returns the function to call once the server has its answer."""
        if self.record.state != DOWNLOADED:
            raise Rejected(METHOD_NOT_ALLOWED, "no package is there")
        try:
            self.enter(UPDATING, NONE_YET)
        except Exception as error:
            self.failed(STATE, error)
            raise Rejected(INTERNAL_SERVER_ERROR, "the storage failed") from None
        self._digest = sha256()
        self._position = 0
        return self._activate_soon

    # -- time

    def deadline(self) -> "int | None":
        """When `handle_timer` is due next, or None."""
        return self._due if self.pull is None else self.pull.deadline()

    def handle_timer(self) -> None:
        """Do some of what is due by `deadline`; never for long."""
        if self.pull is not None:
            self.pull.go_on()
        else:
            self._activate()

    def network_changed(self) -> None:
        """The host has no network any more, or has one again: ``agent.offline``."""
        if self.pull is not None:
            self.pull.network_changed()

    def stop(self) -> None:
        """The device stops; a download goes on when it starts again, a push does not."""
        if self.pull is not None:
            self.pull.cancel()
        self.intake = self.pull = self._digest = self._due = None

    # -- from an executed Update to the restart

    def _activate_soon(self) -> None:
        """The server has its answer."""
        if self._digest is not None:
            self._due = self.agent.clock.ms + DELAY_MS

    def _activate(self) -> None:
        """Read some of the image back; when it is what was verified, make it run."""
        record = self.record
        try:
            good = True
            try:
                self._position = read_back(self.storage, self._position, record.written, self._digest.update)
                if self._position < record.written:
                    return
                good = self._digest.digest() == record.check[:HASH_SIZE]
            except PackageError:
                good = False
            except NotImplementedError:  # a storage that cannot be read is trusted
                pass
            if good:
                self.storage.active_software()
        except Exception as error:
            self.failed(STATE, error)
            self.settle(UPDATE_FAILED, DOWNLOADED)
            return
        if not good:
            self.settle(INTEGRITY)
            return
        self._digest = self._due = None
        try:
            self.agent.host.do(ATINY_DO_DEV_REBOOT)
        except Exception as error:  # the image runs after the next start, whoever brings that about
            self.failed(STATE, error)

    # -- what a push or a pull says

    def _new_pull(self, uri: str) -> "Pull | None":
        """The way to get a package from a URI; where there is none, that is the result."""
        result = UNSUPPORTED_PROTOCOL
        try:
            if self.sources is not None:
                from .pull import Pull  # a device to which packages are pushed does not need it

                return Pull(self, uri)
        except ParameterError:
            result = INVALID_URI
        except NotSupported:
            pass
        self.settle(result)
        return None

    def moved(self, fed: int) -> None:
        """So much of the file is here: tell the host, now and then."""
        if fed >= self._tell_at:
            self._tell_at = fed + max(self.options.checkpoint, self.record.total // 100)
            self._tell()

    def call(self, name: "str | None", version: "str | None") -> None:
        """What the package calls itself; None: there is none."""
        self.name = name
        self.version = version
        self.changed(NAME)
        self.changed(VERSION)

    def broke(self, error: Exception) -> Rejected:
        """A package cannot be taken, for that reason; returns what to answer.

        OMA has no result for a medium that fails: it is the update that failed (8). A full one is 2.
        """
        result = UPDATE_FAILED
        text = "update failed"
        number = error.args[0] if isinstance(error, OSError) and error.args else None
        if isinstance(error, PackageError):
            result = error.result
            text = error.text
        elif number in _FULL:
            result = NO_SPACE
            text = "not enough space for the package"
        else:
            if number == _ENOMEM or isinstance(error, MemoryError):
                result = NO_MEMORY
                text = "out of memory"
            self.failed(PACKAGE, error)
        self.settle(result)
        return Rejected(_ANSWERS.get(result, INTERNAL_SERVER_ERROR), text)

    # -- the machine

    def begin(self, intake: "Intake", kind: int, uri: str) -> None:
        """A package is coming."""
        self.intake = None
        record = self.record
        record.forget()
        record.kind = kind
        record.uri = uri
        self.name = self.version = None
        self._tell_at = 0
        try:
            self.enter(DOWNLOADING, NONE_YET)
        except Exception as error:
            record.state = DOWNLOADING  # if only to fail at once
            raise self.broke(error) from None
        self.intake = intake

    def settle(self, result: int, state: int = IDLE) -> None:
        """End what is under way, and go on to that result, even where it cannot be written down."""
        record = self.record
        uri = record.uri
        self.stop()
        self.enter(state, result, False)
        if uri != record.uri:
            self.changed(URI)
        if self.name is not None and state == IDLE:
            self.call(None, None)

    def enter(self, state: int, result: int, surely: bool = True) -> None:
        """Go on to a state, with that result. ``surely``: once that is written down; what the storage raises then
        passes, and nothing has happened."""
        record = self.record
        before = record.state, record.result
        assert (record.state, state, result) in TRANSITIONS
        record.state = state
        record.result = result
        if state == IDLE:
            record.forget()
        try:
            record.save()
        except Exception as error:
            if surely:
                record.state, record.result = before
                raise
            self.failed(STATE, error)
        if state != before[0]:
            self.changed(STATE)
        if result != before[1]:
            self.changed(RESULT)
        self._tell()

    # -- what the agent hears

    @property
    def done(self) -> int:
        """Bytes of the file that are here."""
        record = self.record
        if record.state != DOWNLOADING:
            return record.total
        if self.intake is None:
            return record.written
        # While a download that goes on after a restart gets the head once more, no less is here than before.
        return max(self.intake.reader.fed, record.written)

    def changed(self, resource: int) -> None:
        """A resource of object 5 has another value."""
        self.agent.model_changed((5, 0, resource))

    def failed(self, resource: int, error: Exception) -> None:
        """The host is to know of an error."""
        self.agent.handler_failed("/5/0/%d" % resource, error)

    def _tell(self) -> None:
        record = self.record
        self.agent.firmware_moved(record.state, record.result, self.done, record.total or None)
