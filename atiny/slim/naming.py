"""The new names, by what they cost: in an .mpy each name stands once, with its length + 2 bytes."""

import builtins
import keyword
from collections.abc import Iterable, Iterator

from .external import MEMBERS

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Names that every MicroPython has, by their numbers in an .mpy (version 6): the first in one byte, the rest in two.
STATIC_ONE = """
    ArithmeticError AssertionError AttributeError BaseException EOFError Ellipsis Exception GeneratorExit ImportError
    IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError NoneType
    NotImplementedError OSError OverflowError RuntimeError StopIteration SyntaxError SystemExit TypeError ValueError
    ZeroDivisionError abs all any append args bool builtins
""".split()
STATIC_TWO = """
    bytearray bytecode bytes callable chr classmethod clear close const copy count dict dir divmod end endswith eval
    exec extend find format from_bytes get getattr globals hasattr hash id index insert int isalpha isdigit isinstance
    islower isspace issubclass isupper items iter join key keys len list little locals lower lstrip main map
    micropython next object open ord pop popitem pow print range read readinto readline remove replace repr reverse
    rfind rindex round rsplit rstrip self send sep set setattr setdefault sort sorted split start startswith
    staticmethod step stop str strip sum super throw to_bytes tuple type update upper value values write zip
""".split()
_ONE, _TWO = frozenset(STATIC_ONE), frozenset(STATIC_TWO)
# What a compiler takes to mean the builtin, whatever it is bound to.
_SPECIAL = frozenset(("const", "micropython", "super", "range", "print", "locals", "globals", "eval", "exec"))
BUILTINS = frozenset(dir(builtins)) | {"const", "micropython"}


def cost(name: str) -> int:
    """The bytes of a name in each .mpy that has it."""
    if name in _ONE or name.startswith("__"):
        return 1
    return 2 if name in _TWO else len(name) + 2


def pool(start: str = "") -> "Iterator[str]":
    """Names from the cheapest on, each once; no keywords, nothing of the runtimes' objects."""
    if not start:
        for name in [*STATIC_ONE, *STATIC_TWO]:
            if name not in _SPECIAL and name not in MEMBERS:
                yield name
    for first in _LETTERS:
        yield start + first
    for first in _LETTERS:
        for second in _LETTERS:
            name = start + first + second
            if not keyword.iskeyword(name) and not keyword.issoftkeyword(name) and name not in MEMBERS:
                if name not in BUILTINS:
                    yield name


POOL = list(pool())
GUARDED = list(pool("_"))  # for what a host may derive from: no host gives such names


class Tables:
    """The names that each file has: one that is there already costs nothing."""

    def __init__(self, files: "Iterable[str]"):
        self.names: "dict[str, set[str]]" = {file: set() for file in files}

    def add(self, file: str, name: str) -> None:
        self.names[file].add(name)

    def choose(self, files: "Iterable[str]", forbidden: "set[str]", candidates: "list[str]") -> str:
        """The name that adds the fewest bytes to some files, the first of equals; it is added to them."""
        files = sorted(files)
        best, least = "", 0
        for name in candidates:
            if name in forbidden:
                continue
            price = cost(name)
            if best and price >= least and len(files) == 1 and name not in self.names[files[0]]:
                continue
            adds = sum(price for file in files if name not in self.names[file])
            if not best or adds < least:
                best, least = name, adds
                if not least:
                    break
        assert best, "no name is left"
        for file in files:
            self.names[file].add(best)
        return best


def usable(name: str) -> bool:
    """Whether a name that a file has may be a local or private one, too."""
    return name.isidentifier() and not name.startswith("__") and name not in _SPECIAL and not keyword.iskeyword(name)
