"""Memory that runs out on a board: the exchange is dropped, it is reported, and the device goes on."""

from tests.micropython.footprint import STEP, Board

LARGE_KB = 176


def test_a_transfer_of_4_kb_in_a_heap_just_too_small_for_it(builds):
    """The largest heaps in which the value finds no room: the server hears 5.00, the host of the MemoryError, and the
    commands that follow are obeyed."""
    board = Board(builds.lib("core and blocks"))
    heap_kb = LARGE_KB
    answer, out = board.take_blocks(heap_kb)
    assert answer == "2.04", out
    assert "blob 4096" in out
    while answer == "2.04":
        heap_kb -= STEP
        answer, out = board.take_blocks(heap_kb)
    for too_small in (heap_kb, heap_kb - STEP):
        answer, out = board.take_blocks(too_small)
        assert answer == "5.00", f"{too_small} kB: {out}"
        lines = out.splitlines()
        assert lines[0] == "error MemoryError", f"{too_small} kB: {out}"
        assert [line for line in lines if line.startswith("command")] == ["command 01", "command 02", "command ff"]
        assert lines[-1] == "stopped", f"{too_small} kB: {out}"
