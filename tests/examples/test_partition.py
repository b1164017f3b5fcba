"""examples/micropython/partition.py, on a stand-in for the board: the contract, and a power cut in each operation."""

import importlib.util
import sys
from typing import Any

import pytest

from atiny.testing import PowerCut, check_storage
from tests.examples.esp32_board import Board
from tests.sources import ROOT

OLD, NEW = b"old" * 1000, bytes(range(251)) * 40
PIECE = 700


def storage_of(board: Board, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The storage as the board makes it after a reset."""
    path = ROOT / "examples" / "micropython" / "partition.py"
    spec = importlib.util.spec_from_file_location("partition", path)
    assert spec is not None
    assert spec.loader is not None
    with monkeypatch.context() as context:
        context.setitem(sys.modules, "esp32", board.module())
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    storage = module.PartitionStorage()
    storage.init()
    return storage


def software(board: Board) -> bytes:
    return bytes(board.flash[board.running])


def test_it_keeps_the_contract(monkeypatch):
    board = Board(OLD)
    rules = check_storage(lambda: storage_of(board, monkeypatch), activate=True, capacity=board.size)
    assert len(rules) == 14
    assert software(board).startswith(OLD)


def load(storage: Any, start: int = 0) -> None:
    if not start:
        storage.begin_software_download()
    for offset in range(start, len(NEW), PIECE):
        storage.write_software(offset, NEW[offset : offset + PIECE])
        storage.write_update_info(0, (offset + PIECE).to_bytes(4, "big"))
    storage.end_software_download()
    storage.write_update_info(0, b"whole")


def test_an_upgrade_and_the_next(monkeypatch):
    board = Board(OLD)
    storage = storage_of(board, monkeypatch)
    assert not storage.get_active_result()
    load(storage)
    storage.active_software()
    board.reset()
    storage = storage_of(board, monkeypatch)
    assert software(board).startswith(NEW)
    assert storage.get_active_result()
    for use in (storage.begin_software_download, lambda: storage.write_software(0, b"x")):
        with pytest.raises(OSError, match="not confirmed"):
            use()
    with pytest.raises(OSError, match="no whole image"):
        storage.active_software()
    storage.confirm()
    storage.confirm()
    board.reset()
    storage = storage_of(board, monkeypatch)
    assert storage.get_active_result()
    load(storage)
    storage.active_software()
    board.reset()
    assert board.running == "ota_0"
    assert software(board).startswith(NEW)


def test_an_image_that_does_not_confirm_itself(monkeypatch):
    board = Board(OLD)
    storage = storage_of(board, monkeypatch)
    load(storage)
    storage.active_software()
    board.reset()
    board.reset()
    assert software(board).startswith(OLD)
    storage = storage_of(board, monkeypatch)
    assert not storage.get_active_result()
    storage.confirm()
    load(storage)


def test_a_boot_loader_without_a_way_back(monkeypatch):
    board = Board(OLD, rollback=False)
    storage = storage_of(board, monkeypatch)
    storage.confirm()
    load(storage)
    storage.active_software()
    board.reset()
    storage = storage_of(board, monkeypatch)
    storage.confirm()
    assert storage.get_active_result()
    storage.begin_software_download()


def test_an_image_that_the_boot_loader_does_not_take(monkeypatch):
    board = Board(OLD)
    storage = storage_of(board, monkeypatch)
    load(storage)
    board.takes_images = False
    with pytest.raises(OSError, match="does not take"):
        storage.active_software()
    board.reset()
    storage = storage_of(board, monkeypatch)
    assert not storage.get_active_result()
    storage.begin_software_download()


def life(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = storage_of(board, monkeypatch)
    load(storage)
    storage.active_software()


def test_a_power_cut_in_every_operation(monkeypatch, capsys):
    board = Board(OLD)
    life(board, monkeypatch)
    cuts = board.operations
    assert cuts > 30
    for number in range(1, cuts + 1):
        board = Board(OLD)
        board.cut_at = number
        with pytest.raises(PowerCut):
            life(board, monkeypatch)
        board.reset()
        assert software(board).startswith(OLD), "until the boot loader has been told"
        storage = storage_of(board, monkeypatch)
        assert not storage.get_active_result()
        record = storage.read_update_info(0, 5)
        if record != b"whole":
            written = int.from_bytes(record[:4], "big")
            assert storage.read_software(0, min(written, len(NEW))) == NEW[:written]
            load(storage, written)
        storage.active_software()
        board.reset()
        assert software(board).startswith(NEW)
        assert storage_of(board, monkeypatch).get_active_result()
    with capsys.disabled():
        print(f"\n{cuts} power cuts")
