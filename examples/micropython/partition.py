"""Firmware of an ESP32 in its two OTA partitions: a storage device for boards that run MicroPython.

For a MicroPython that was built with OTA partitions, and with the boot loader's rollback for the way back: that starts
a new image once, and if it does not call `confirm` before the next reset, the old one again. Copy this file to the
board, and in its main.py:

    storage = PartitionStorage()
    platform = atiny.Platform(storage=storage, store=atiny.FileStore("/atiny"))

    def on_event(event, arg):
        if event == atiny.ATINY_REG_OK:
            storage.confirm()  # it can be upgraded again: that is healthy enough

with a `machine.WDT` for an image that hangs, and a `do_dev_reboot` that ends the loop and calls machine.reset(). What
is uploaded is the image that the build makes for OTA ("micropython.bin"), packed and signed.

Not for partitions with flash encryption, where a write has to be a multiple of 16 bytes.
"""

import errno

import esp32

from atiny.adapter import base

UPDATE_INFO_SIZE = 512
ENOSPC = 28  # not in MicroPython's errno
EBUSY = 16
NO_ROLLBACK = -261  # ESP_ERR_NOT_SUPPORTED: the boot loader was built without it

BLOCK_SIZE, ERASE_BLOCK = 5, 6  # ioctl of a block device


class PartitionStorage(base.StorageDevice):
    """The partition that does not run takes the new image; what else is to be kept is in the NVS ``namespace``.

    Its keys are "update", the update record; "whole", the label of the partition whose image was written to its end;
    "chosen", that of the one that `active_software` chose; "sure", whether that has confirmed itself.
    """

    def __init__(self, namespace="atiny"):
        self._nvs = esp32.NVS(namespace)
        running = esp32.Partition(esp32.Partition.RUNNING)
        self._next = running.get_next_update()
        self._running = running.info()[4]
        self._label = self._next.info()[4]
        self._size = self._next.info()[3]
        self._block_size = self._next.ioctl(BLOCK_SIZE, 0)
        self._erased = -1  # the blocks before this one were erased for this image; -1: not known since the start

    def init(self):
        """Nothing to do."""

    def begin_software_download(self):
        """The new image begins. A block is erased when the first byte of it comes.

        OSError (EBUSY) while the image that runs may have to be taken back: the old one is in that partition.
        """
        if self._on_trial():
            raise OSError(EBUSY, "the firmware that runs has not confirmed itself")
        self._set("whole", b"")
        self._erased = 0

    def write_software(self, offset, data):
        """Write to the flash."""
        if offset + len(data) > self._size:
            raise OSError(ENOSPC, "the partition has %d bytes" % self._size)
        if self._on_trial():
            raise OSError(EBUSY, "the firmware that runs has not confirmed itself")
        if self._erased < 0:
            # After a restart: the block in which the image goes on was erased before the first part of it was written.
            # What may follow there is the same image: to write it again changes nothing.
            self._erased = (offset + self._block_size - 1) // self._block_size
        data = memoryview(data)
        while len(data):
            block, start = offset // self._block_size, offset % self._block_size
            if block >= self._erased:
                self._next.ioctl(ERASE_BLOCK, block)
                self._erased = block + 1
            part = data[: self._block_size - start]
            self._next.writeblocks(block, part, start)
            data = data[len(part) :]
            offset += len(part)

    def read_software(self, offset, length):
        """Read from the flash; what follows the image are remains, or 0xff."""
        found = bytearray(max(0, min(length, self._size - offset)))
        self._next.readblocks(offset // self._block_size, found, offset % self._block_size)
        return bytes(found)

    def end_software_download(self):
        """The flash has it all already; that it is whole is written down."""
        self._set("whole", self._label.encode())

    def active_software(self):
        """Let the boot loader start the new image, which it checks too: OSError where that is none for this chip."""
        if self._on_trial() or self._get("whole") != self._label.encode():
            raise OSError(errno.EINVAL, "there is no whole image: end_software_download was not called")
        self._set("sure", b"")
        self._set("chosen", self._label.encode())
        self._next.set_boot()
        if esp32.Partition(esp32.Partition.BOOT).info()[4] != self._label:  # some versions do not raise
            raise OSError(errno.EIO, "the boot loader does not take the image")

    def get_active_result(self):
        """Whether the partition that was chosen is the one that runs."""
        return self._get("chosen") == self._running.encode()

    def confirm(self):
        """This image works: the boot loader is not to go back. May be called at any time, and again."""
        try:
            esp32.Partition.mark_app_valid_cancel_rollback()
        except OSError as error:
            if error.args[0] != NO_ROLLBACK:
                raise
        if self._on_trial():
            self._set("sure", b"1")

    def write_update_info(self, offset, data):
        """Write the record anew; NVS keeps the old one until the new one is there."""
        if offset < 0 or offset + len(data) > UPDATE_INFO_SIZE:
            raise OSError(errno.EINVAL, "the update record has %d bytes" % UPDATE_INFO_SIZE)
        record = bytearray(self.read_update_info(0, UPDATE_INFO_SIZE))
        record[offset : offset + len(data)] = data
        self._set("update", record)

    def read_update_info(self, offset, length):
        """Read from the record."""
        record = self._get("update")
        return (record + bytes(UPDATE_INFO_SIZE - len(record)))[offset : offset + length]

    def _on_trial(self):
        return self.get_active_result() and not self._get("sure")

    def _get(self, key):
        found = bytearray(UPDATE_INFO_SIZE)
        try:
            length = self._nvs.get_blob(key, found)
        except OSError:  # nothing was written yet
            return b""
        return bytes(found[:length])

    def _set(self, key, value):
        if value == self._get(key):
            return
        self._nvs.set_blob(key, value)
        self._nvs.commit()
