"""Builds atiny for a MicroPython board: the modules that a profile needs, stripped, compiled and ready to install.

`build` does it all: `pick` chooses the modules (by `parts`), `optimize` rewrites their sources, `compile` makes .mpy
files of them; then it writes what a board is installed from. `dialect` is the lint for what both runtimes share.
"""
