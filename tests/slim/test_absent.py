"""An optional part that is not in the build: its attribute is None."""

import pytest

from atiny.slim.absent import check_absent, fold_absent
from atiny.slim.fold import fold
from atiny.slim.plan import SlimError
from tests.slim.passing import assert_pass, passed

ROWS = [
    ("if self.queue is not None:\n    f()\ng()", "g()"),
    ("if self.a.queue is None:\n    f()\nelse:\n    g()", "f()"),
    ("x = self.queue.due() if self.queue is not None else 1", "x = 1"),
    ("if a and self.queue is not None and self.queue.x:\n    f()\nelif b:\n    g()", "if b:\n    g()"),
    ("if self.queue is None or self.queue.idle():\n    f()", "f()"),
    ("if self.queue:\n    f()\ng()", "g()"),
    ("if not self.queue:\n    f()", "f()"),
    ("x = self.queue and self.queue.x", "x = None"),
    ("while self.queue is not None:\n    f()\ng()", "g()"),
    ("self.queue = None\nself.other = None", "self.other = None"),
    ("self.queue = self.more = None", "self.more = None"),
    ("if self.other is not None:\n    f()", "if self.other is not None:\n    f()"),
    ("if queue is not None:\n    f()", "if queue is not None:\n    f()"),
]


def run(build) -> None:
    fold_absent(build)
    for module in build:
        fold(module)


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_absent(before: str, after: str) -> None:
    assert_pass(run, before, after, absent=frozenset(["queue"]))


def checked(build) -> None:
    run(build)
    check_absent(build)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("self.queue.go()", "atiny/m.py:1: queue is used without a test for None"),
        ("x = self.queue.x if self.ready else 1", "queue is used without"),
        ("x = 1\nfor one in self.queue:\n    pass", "atiny/m.py:2: queue is used without a test for None"),
        ("self.queue += 1", "queue is set, in a build that has no part for it"),
    ],
)
def test_what_is_left_is_told(source: str, why: str) -> None:
    with pytest.raises(SlimError, match=why):
        passed(checked, source, absent=frozenset(["queue"]))


def test_without_parts_everything_stays() -> None:
    assert_pass(checked, "if self.queue is None: f(self.queue)", "if self.queue is None: f(self.queue)")
