"""A Socket over AT commands, for modems. Nothing is here yet: this version has no modems."""
