"""Imports of what is not in the build."""

import pytest

from atiny.slim.missing import replace_missing
from atiny.slim.plan import SlimError
from tests.slim.passing import assert_pass, passed

MISSING = {"atiny.block": "block", "atiny.json": "json"}
RAISE = "raise NotSupported('this build has no %s: atiny slim --with %s')"
BLOCK = RAISE % ("block", "block")
IMPORT = "from .errors import NotSupported\n"

ROWS = [
    ("def f():\n    a()\n    from .block import B\n    return B()", IMPORT + "def f():\n    a()\n    " + BLOCK),
    ("def f():\n    from . import block\n    return block", IMPORT + "def f():\n    " + BLOCK),
    ("def f():\n    import atiny.block\n    g()", IMPORT + "def f():\n    " + BLOCK),
    ("def f():\n    if x:\n        from .block import B\n        g(B)\n    h()",
     IMPORT + "def f():\n    if x:\n        " + BLOCK + "\n    h()"),
    ("from .errors import E\ndef f():\n    from .block import B",
     "from .errors import E, NotSupported\ndef f():\n    " + BLOCK),
    ("def f():\n    try:\n        from .block import B\n        x = B()\n    except ImportError:\n        x = None\n"
     "    return x", "def f():\n    x = None\n    return x"),
    ("try:\n    from .block import B\nexcept ImportError:\n    B = None", "B = None"),
    ("def f():\n    try:\n        g()\n    except E:\n        from .json import J\n        J()",
     IMPORT + "def f():\n    try:\n        g()\n    except E:\n        " + RAISE % ("json", "json")),
    ("def f():\n    from .other import B\n    return B", "def f():\n    from .other import B\n    return B"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_missing(before: str, after: str) -> None:
    assert_pass(replace_missing, before, after, missing=MISSING)


@pytest.mark.parametrize("source", ["x = 1\nfrom .block import B", "x = 1\nimport atiny.block",
                                    "class A:\n    from .block import B"])  # fmt: skip
def test_a_need_is_an_error(source: str) -> None:
    with pytest.raises(SlimError, match="atiny/m.py:2: it needs the part block"):
        passed(replace_missing, source, missing=MISSING)


def test_a_module_of_a_package() -> None:
    sources = {"atiny.p": "def f():\n    from . import block", "atiny.p.x": "def f():\n    from ..p.block import B"}
    found = passed(replace_missing, sources, missing={"atiny.p.block": "block"})
    assert all("NotSupported" in text for text in found.values())
