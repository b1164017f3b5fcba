"""Short names, by one plan for the whole build; the program does the same."""

import ast
import re

import pytest

from atiny.slim import rename as renaming
from atiny.slim.links import Links
from atiny.slim.naming import BUILTINS, GUARDED, POOL, STATIC_ONE, STATIC_TWO, cost
from atiny.slim.optimize import optimize
from atiny.slim.plan import Plan
from atiny.slim.surface import find_surface
from tests.slim.passing import MODULE, passed, said


def rename(build):
    return renaming.rename(build, find_surface(build, Links(build)))


def names_in(text: str) -> "set[str]":
    """Every name and keyword of a source."""
    found: "set[str]" = set()
    for node in ast.walk(ast.parse(text)):
        for field in ("id", "attr", "arg", "name", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.add(value)
    return found


KEPT = [
    ("class A:\n    def f(self): return [].append(self.items())", {"append", "items"}, "of builtin types"),
    ("import os\nx = os.urandom(4)", {"os", "urandom"}, "of modules"),
    ("import os.path as p\nx = p.join(1)", {"os.path", "join"}, "of modules under another name"),
    ("from struct import pack, unpack as u\nx = pack(u(1))", {"pack", "unpack"}, "imported from modules"),
    ("class A:\n    def __len__(self): return self.__class__", {"__len__", "__class__"}, "special"),
    ("class A:\n    def shown(self): pass\nx = getattr(A, 'shown')", {"shown"}, "in strings"),
    ("class A:\n    def read_it(self): pass\nx = getattr(A, 'read_%s' % 'it')", {"read_it"}, "put together"),
    ("class A:\n    def do_it(self): pass\nx = getattr(A, 'do_' + 'it')", {"do_it"}, "put together by +"),
    ("def f(x, *, reverse=False): return sorted(x, reverse=reverse)", {"reverse"}, "keywords of builtins"),
    ("def f(x): return dict(first=x)", {"first"}, "keys of a dict"),
    ("def f(x): return x.of_elsewhere", {"of_elsewhere"}, "never defined here"),
]


@pytest.mark.parametrize(("source", "kept", "why"), KEPT, ids=[row[2] for row in KEPT])
def test_what_stays(source: str, kept: "set[str]", why: str) -> None:
    assert kept <= names_in(passed(rename, source)[MODULE])


def test_what_is_ours_becomes_short() -> None:
    source = """
        class Something:
            limit = 3
            def __init__(self, first, second=None):
                self.first = first
                self._second = second
            def method(self, argument):
                local = argument + self.limit
                return helper(local, named=self._second)
        def helper(value, named):
            return value
        """
    found = names_in(passed(rename, source)[MODULE]) - {"__init__"}
    assert all(cost(name) <= 3 for name in found), found


def test_what_hosts_derive_from_gets_names_that_they_would_not_give() -> None:
    sources = {
        "atiny": "from .m import Base as Base\n",
        MODULE: "class Base:\n    def __init__(self): self._state = 1\n    def open(self): return self._state\n"
        "    def _helper(self): return self.open()\n",
    }
    found = names_in(passed(rename, sources)[MODULE])
    assert {"Base", "open", "__init__"} <= found
    assert "_state" not in found
    assert len([name for name in found if re.match("_[a-zA-Z]+$", name)]) == 2


def test_files_agree() -> None:
    sources = {
        "atiny.a": "from .b import function, Thing\nfrom . import b as module\nfrom .b import function as other\n"
        "x = function(Thing().attribute, module.function, other)\n",
        "atiny.b": "class Thing:\n    attribute = 1\ndef function(*all_of_them): return all_of_them\n",
    }
    found = passed(rename, sources)
    assert not {"function", "Thing", "attribute"} & (names_in(found["atiny.a"]) | names_in(found["atiny.b"]))


def test_the_names_are_told() -> None:
    result = optimize({MODULE: "def helper(): return 1\nx = [helper(), helper]\n"}, Plan(public=frozenset("x")))
    [new] = [name for name in result.names if "helper" in result.names[name]]
    assert f"def {new}():" in result.sources[MODULE]


PROGRAM = {
    "atiny": """
        from .m import Device as Device, run as run
        VERSION = "1"
        def __getattr__(name):
            if name == "Lazy":
                from .lazy import Lazy
                return Lazy
            raise AttributeError(name)
        """,
    "atiny.errors": "class Failure(Exception):\n    def __init__(self, text, code=1):\n"
    "        super().__init__(text)\n        self.code = code\nclass Worse(Failure):\n    pass\n",
    "atiny.codec": "def encode(value): return 'a%s' % value\ndef decode(text): return text[1:]\n",
    "atiny.other": "def encode(value): return 'b%s' % value\ndef decode(text): return text[1:]\n",
    "atiny.lazy": "class Lazy:\n    def __init__(self): self.made = True\n",
    MODULE: """
        from . import codec, other
        from .errors import Failure, Worse
        from .errors import Failure as Problem
        counter = 0
        TABLE = {1: codec, 2: other}
        class Base:
            limit = 2
            def __init__(self, *, first=1, second=2):
                self.first = first
                self._second = second
            @property
            def both(self):
                return self.first + self._second
            @both.setter
            def both(self, value):
                self.first = value
            def text(self): return "base %d" % self.both
        class Device(Base):
            steps = tuple([step * 2 for step in range(limit)]) if (limit := 3) else ()
            def __init__(self, first):
                Base.__init__(self, first=first, second=self.limit)
                self.handlers = {"read": self._read}
            def _read(self, kind, value):
                module = TABLE.get(kind)
                if module is None:
                    raise Worse("no module", code=kind)
                return module.decode(module.encode(value))
            def call(self, name, *values):
                try:
                    return self.handlers[name](*values)
                except Failure as error:
                    return "failed", error.code, isinstance(error, Problem)
            def text(self): return super().text() + "!"
        def counted():
            global counter
            counter += 1
            return counter
        def outer(start):
            total = start
            def inner(step, **more):
                nonlocal total
                total += step
                return [total + index for index in range(2)], sorted(more)
            adder = lambda value, *, scale=3: value * scale + total
            return inner, adder
        def run(first, log=print):
            device = Device(first)
            log(device.text(), device.both, device.steps)
            device.both = 10
            log(device.first, device.call("read", 1, 5), device.call("read", 2, "x"), device.call("read", 3, 0))
            inner, adder = outer(counted())
            log(inner(2, b=1, a=2), adder(2), adder(2, scale=1), counted())
            for key, value in sorted({"k": 1}.items(), key=lambda pair: pair[0]):
                with Context() as (key, entered):
                    log(key, entered, f"{value!r:>3}{key}")
            del key
            log({kind: len(name) for kind, name in [(1, "ab")]}, [a for b in [[1], [2]] for a in b])
            import os as system, sys
            log(system.sep in "/\\\\", sys.maxsize > 1)
        class Context:
            def __enter__(self): return "key", True
            def __exit__(self, *error): return False
        """,
}
SCRIPT = """
    import atiny
    atiny.run(first=7)
    print(atiny.Device(1).text(), atiny.VERSION, atiny.Lazy().made)
    """


def test_a_program_says_the_same(tmp_path) -> None:
    from textwrap import dedent

    sources = {name: dedent(text) for name, text in PROGRAM.items()}
    kept = said(optimize(sources, Plan(keep_names=True)), tmp_path / "kept", SCRIPT)
    result = optimize(sources, Plan())
    assert said(result, tmp_path / "short", SCRIPT) == kept
    assert kept.splitlines()[0].startswith("base ")
    text = result.sources[MODULE]
    for name in ("counter", "Context", "_read", "inner", "adder", "_second", "TABLE", "Worse", "Base"):
        assert name not in text, name
    for name in ("Device", "run", "first", "log", "text", "both", "limit", "handlers"):
        assert name in text, name


# -- the names to choose from


def test_the_pool() -> None:
    assert len(set(POOL)) == len(POOL) > 2000
    assert len(set(GUARDED)) == len(GUARDED)
    assert [cost(name) for name in POOL] == sorted(cost(name) for name in POOL)
    assert all(name.isidentifier() for name in POOL + GUARDED)
    assert not {"as", "if", "in", "is", "or", "const", "super", "range", "append", "args"} & set(POOL)
    assert all(name.startswith("_") for name in GUARDED)
    assert not [name for name in POOL if name in BUILTINS and name not in STATIC_ONE + STATIC_TWO]
