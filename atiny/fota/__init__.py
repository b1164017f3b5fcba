"""Firmware update (object 5). Nothing is here yet: this version has no firmware update."""
