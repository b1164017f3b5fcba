"""Firmware update (object 5): `updater` drives it, `machine` is its table, `package` what is got, `download` how."""
