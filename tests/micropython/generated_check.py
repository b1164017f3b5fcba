"""Generated classes under MicroPython: exits 1 if one fails. The arguments are the names of their modules.

Run from the project's folder, with that folder and the modules' on the module path:
MICROPYPATH=.:FOLDER micropython tests/micropython/generated_check.py MODULE...
"""

import sys

from atiny.lwm2m.model import Object
from tests.cli.generated import read_write

failures = 0
for name in sys.argv[1:]:
    try:
        module = __import__(name)
        for word in dir(module):
            cls = getattr(module, word)
            if isinstance(cls, type) and issubclass(cls, Object):
                print("ok", name, word, read_write(cls))
    except Exception as error:
        failures += 1
        print("FAILED", name)
        sys.print_exception(error)
sys.exit(1 if failures else 0)
