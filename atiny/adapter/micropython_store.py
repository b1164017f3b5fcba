# mypy: disable-error-code="attr-defined"
"""Records in files, on MicroPython."""

import errno
import os

from . import base


class FileStore(base.Store):
    """A `Store` of one file for each record in ``folder``, which is made where it is missing.

    A record is written to NAME.tmp, renamed to NAME.new when it is whole, then to NAME.rec. On FAT, where a rename
    first removes what is in its way, a power cut may leave only NAME.new, and `get` takes that.
    """

    def __init__(self, folder: str):
        self._folder = folder
        try:
            os.mkdir(folder)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise

    def get(self, name: str) -> "bytes | None":
        """The record, or None."""
        for path in (self._path(name, ".rec"), self._path(name, ".new")):
            try:
                with open(path, "rb") as file:
                    return file.read()
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
        return None

    def put(self, name: str, data: bytes) -> None:
        """Write the record; when this returns it is on the medium."""
        record, new = self._path(name, ".rec"), self._path(name, ".new")
        temporary = self._path(name, ".tmp")
        if not _exists(record) and _exists(new):
            os.rename(new, record)  # what a power cut left is the only copy: it is not to be in the way
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
        os.rename(temporary, new)
        os.rename(new, record)
        if hasattr(os, "sync"):
            os.sync()

    def delete(self, name: str) -> None:
        """Remove the record."""
        for path in (self._path(name, ".new"), self._path(name, ".rec")):
            try:
                os.remove(path)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise

    def _path(self, name: str, ending: str) -> str:
        base.check_record_name(name)
        return self._folder + "/" + name + ending


def _exists(path: str) -> bool:
    try:
        os.stat(path)
        return True
    except OSError:
        return False
