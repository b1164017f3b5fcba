"""What no runtime needs goes, and nothing else."""

import pytest

from atiny.slim.strip import strip
from tests.slim.passing import assert_pass

ROWS = [
    ("def f(a: int, *b: str, c: 'X' = 1, **d: int) -> 'Y': return a", "def f(a, *b, c=1, **d): return a"),
    ("X: int = 3", "X = 3"),
    ("X: int", ""),
    ("class A:\n    x: int\n    y: 'str | None' = None", "class A:\n    y = None"),
    ("def f():\n    self.x: int = 1", "def f():\n    self.x = 1"),
    ('"""Text."""\nimport a', "import a"),
    ('class A:\n    """Text."""\n    def f(self):\n        """Text."""', "class A:\n    def f(self):\n        pass"),
    ("def f():\n    'text'\n    1\n    ...\n    g()", "def f():\n    g()"),
    ("def f(x):\n    assert x, 'no'\n    return x", "def f(x):\n    return x"),
    ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Any\nx = 1", "x = 1"),
    ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", "import b"),
    ("class A:\n    __slots__ = ('x', 'y')\n    def f(self): return 1", "class A:\n    def f(self): return 1"),
    ("x = 'text'\ny = [1, 'a']", "x = 'text'\ny = [1, 'a']"),
]


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_strip(before: str, after: str) -> None:
    assert_pass(lambda build: [strip(module) for module in build], before, after)
