"""Public members that a build does not have."""

import pytest

from atiny.slim.dropped import drop_bare, drop_members
from tests.slim.passing import assert_pass, normal, passed

ROWS = [
    ("class Client:\n    def run(self): pass\n    def sleep(self): pass", "class Client:\n    def run(self): pass"),
    ("class Other:\n    def sleep(self): pass", "class Other:\n    def sleep(self): pass"),
    ("class Client:\n    @property\n    def sleep(self): return 1\n    x = 1", "class Client:\n    x = 1"),
    ("class Client:\n    LIMIT = 1\n    x = 1", "class Client:\n    x = 1"),
    ("class Client:\n    def f(self):\n        self.awake = 1\n        self.b = 2",
     "class Client:\n    def f(self):\n        self.b = 2"),
    ("def start(): pass\nclass Start: pass\nSTART = 1\nx = 1", "x = 1"),
    ("from .m import start as start, stop as stop", "from .m import stop as stop"),
    ("from .m import start", ""),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_dropped(before: str, after: str) -> None:
    dropped = ["Client.sleep", "Client.LIMIT", "Client.awake", "start", "Start", "START"]
    assert_pass(drop_members, before, after, dropped=frozenset(dropped))


def test_what_only_says_what_a_host_may_write() -> None:
    contract = """
        class Store:
            def save(self, name): raise NotImplementedError
            def size(self): return 0
            def read(self): raise NotImplementedError("this one cannot be read")
        class Mutex:
            def take(self): raise NotImplementedError
        def mine(): raise NotImplementedError
    """
    found = passed(drop_bare, {"atiny.adapter.base": contract, "atiny.m": contract})
    assert found["atiny.m"] == normal(contract)
    assert found["atiny.adapter.base"] == normal("""
        class Store:
            def size(self): return 0
            def read(self): raise NotImplementedError("this one cannot be read")
        class Mutex:
            pass
        def mine(): raise NotImplementedError
    """)
