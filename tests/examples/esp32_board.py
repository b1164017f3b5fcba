"""A stand-in for an ESP32: flash that has to be erased, two OTA partitions, a boot loader that goes back, NVS."""

from types import ModuleType
from typing import Any

from atiny.testing import PowerCut

BLOCK = 4096
LABELS = ("ota_0", "ota_1")
NEW, PENDING, VALID, ABORTED = "new", "pending", "valid", "aborted"


class Board:
    """``flash``: the partitions' bytes. ``running``, ``boot``: labels. ``nvs``: what was committed.

    ``cut_at``: in which changing operation from now the power fails, half way; 0: in none. ``rollback``: whether the
    boot loader goes back from an image that was started once and did not confirm itself.
    """

    def __init__(self, software: bytes, blocks: int = 4, rollback: bool = True):
        self.size = blocks * BLOCK
        self.flash = {label: bytearray(b"\xa5" * self.size) for label in LABELS}
        self.flash["ota_0"][: len(software)] = software
        self.running = self.boot = "ota_0"
        self.states = {"ota_0": VALID, "ota_1": VALID}
        self.nvs: "dict[tuple[str, str], bytes]" = {}
        self.rollback = rollback
        self.takes_images = True
        self.operations = 0
        self.cut_at = 0

    def reset(self) -> None:
        """Start what the boot loader chooses."""
        self.cut_at = 0
        if self.rollback and self.states[self.boot] == PENDING:
            self.states[self.boot] = ABORTED
            self.boot = LABELS[1 - LABELS.index(self.boot)]
        elif self.states[self.boot] == NEW:
            self.states[self.boot] = PENDING
        self.running = self.boot

    def operate(self) -> bool:
        """Count an operation; whether it is the one that the power fails in."""
        self.operations += 1
        self.cut_at -= 1
        return self.cut_at == 0

    def module(self) -> ModuleType:
        """The module `esp32` of this board."""
        board = self

        class Partition:
            BOOT, RUNNING = 0, 1

            def __init__(self, which: "int | str"):
                labels: "dict[Any, str]" = {self.BOOT: board.boot, self.RUNNING: board.running}
                self.label = labels.get(which, str(which))
                self.flash = board.flash[self.label]

            def info(self) -> "tuple[int, int, int, int, str, bool]":
                index = LABELS.index(self.label)
                return (0, 16 + index, 0x10000 + index * board.size, board.size, self.label, False)

            def get_next_update(self) -> "Partition":
                return Partition(LABELS[1 - LABELS.index(self.label)])

            def ioctl(self, operation: int, block: int) -> "int | None":
                if operation == 5:
                    return BLOCK
                assert operation == 6
                cut = board.operate()
                self.flash[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * (BLOCK // 2 if cut else BLOCK) + (
                    self.flash[block * BLOCK + BLOCK // 2 : (block + 1) * BLOCK] if cut else b""
                )
                if cut:
                    raise PowerCut("erase")
                return 0

            def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
                start = block * BLOCK + offset
                buffer[:] = self.flash[start : start + len(buffer)]

            def writeblocks(self, block: int, data: "bytes | memoryview", offset: int) -> None:
                assert self.label != board.running, "it would overwrite itself"
                assert offset + len(data) <= BLOCK
                cut = board.operate()
                for index, byte in enumerate(data[: len(data) // 2] if cut else data, block * BLOCK + offset):
                    self.flash[index] &= byte
                if cut:
                    raise PowerCut("write")

            def set_boot(self) -> None:
                if not board.takes_images:
                    return  # as MicroPython before 1.13
                cut = board.operate()
                if not cut:
                    board.boot = self.label
                    board.states[self.label] = NEW
                else:
                    raise PowerCut("set_boot")

            @classmethod
            def mark_app_valid_cancel_rollback(cls) -> None:
                if not board.rollback:
                    raise OSError(-261)
                if board.operate():
                    raise PowerCut("mark_app_valid")
                board.states[board.running] = VALID

        class NVS:
            def __init__(self, namespace: str):
                self.namespace = namespace
                self.pending: "list[tuple[str, bytes]]" = []

            def set_blob(self, key: str, value: bytes) -> None:
                assert len(key) <= 15
                self.pending.append((key, bytes(value)))

            def get_blob(self, key: str, buffer: bytearray) -> int:
                value = board.nvs.get((self.namespace, key))
                if value is None or len(value) > len(buffer):
                    raise OSError(-0x1102)
                buffer[: len(value)] = value
                return len(value)

            def commit(self) -> None:
                cut = board.operate()
                changes = self.pending[: len(self.pending) // 2] if cut else self.pending
                board.nvs.update({(self.namespace, key): value for key, value in changes})
                self.pending = []
                if cut:
                    raise PowerCut("commit")

        module = ModuleType("esp32")
        module.__dict__.update(Partition=Partition, NVS=NVS)
        return module
