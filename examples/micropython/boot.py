"""Hints for a board's boot.py: what is worth doing before main.py, while the heap is still empty."""

import gc

# Collect when a quarter of what is free is used up, not when nothing is left: the heap stays in larger pieces, and a
# block-wise transfer or a handshake finds the kilobytes in a row that it needs.
gc.collect()
gc.threshold(gc.mem_free() // 4)

# The largest things first. What is imported now lies at the heap's start for good and leaves no holes later.
import atiny  # noqa: E402, F401

# A device that hangs is reset. Feed it from the loop; not while you type at the prompt.
# import machine
# watchdog = machine.WDT(timeout=30_000)
