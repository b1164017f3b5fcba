"""Builds the MicroPython package; host only. Nothing is here yet: the sources run on MicroPython as they are."""
