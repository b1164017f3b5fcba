"""Which notification attributes are in force (LwM2M 1.0, 5.1.2): inherited, rewritten, and each server's own."""

import pytest

from atiny.coap.codes import CONTENT
from atiny.coap.exchange import DONE
from atiny.coap.message import Message
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.observe import Observations
from atiny.lwm2m.types import FLOAT
from atiny.settings import Settings
from tests.lwm2m.gauge import COUNT, GAUGE, REAL, Gauge, Observer
from tests.lwm2m.rig import dotted
from tests.lwm2m.thermometer import attributes

EVERYWHERE = {b"object": "31050", b"0": "31050/0", b"0/0": REAL, b"1": "31050/1", b"1/0": "31050/1/0"}

# what is written where -> the period in force for each observer, None: there is none
INHERITED = [
    ([], {}),
    ([("31050", 5)], {b"object": 5, b"0": 5, b"0/0": 5, b"1": 5, b"1/0": 5}),
    ([("31050/0", 5)], {b"0": 5, b"0/0": 5}),
    ([(REAL, 5)], {b"0/0": 5}),
    ([("31050", 5), ("31050/0", 10)], {b"object": 5, b"0": 10, b"0/0": 10, b"1": 5, b"1/0": 5}),
    ([("31050/0", 10), ("31050", 5)], {b"object": 5, b"0": 10, b"0/0": 10, b"1": 5, b"1/0": 5}),
    ([("31050", 10), (REAL, 5)], {b"object": 10, b"0": 10, b"0/0": 5, b"1": 10, b"1/0": 10}),
    ([("31050", 15), ("31050/0", 10), (REAL, 5)], {b"object": 15, b"0": 10, b"0/0": 5, b"1": 15, b"1/0": 15}),
    ([("31050/1", 5), ("31050/1/0", 10)], {b"1": 5, b"1/0": 10}),
    ([(COUNT, 5)], {}),
    ([("31050", 5), ("31050/0", 10), ("31050/0", None)], {b"object": 5, b"0": 5, b"0/0": 5, b"1": 5, b"1/0": 5}),
    ([("31050", 5), ("31050", None)], {}),
    # below all of them: what the Server object has by default
    ([("1/0", 5)], {b"object": 5, b"0": 5, b"0/0": 5, b"1": 5, b"1/0": 5}),
    ([("1/0", 5), ("31050/0", 10)], {b"object": 5, b"0": 10, b"0/0": 10, b"1": 5, b"1/0": 5}),
]


@pytest.mark.parametrize(("written", "in_force"), INHERITED)
@pytest.mark.parametrize("name", ["pmin", "pmax"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_inheritance(written, in_force, name, when):
    observer = Observer()
    rig = observer.rig

    def observe() -> None:
        for token, path in EVERYWHERE.items():
            observer.observe(path, token)

    if when == "after":
        observe()
    for path, period in written:
        if path == "1/0":
            default = "1/0/2" if name == "pmin" else "1/0/3"
            assert dotted(rig.ask("PUT", default, payload=b"%d" % period)) == "2.04"
        else:
            attributes(rig, path, name if period is None else "%s=%d" % (name, period))
    if when == "before":
        observe()
    told: "dict[bytes, list]" = {token: [] for token in EVERYWHERE}
    for second in range(1, 31):
        for seconds, token, _ in observer.until(second):
            told[token].append(seconds)
        if name == "pmin":  # everything changes, every second
            observer.change(second, "31050/0/0")
            observer.change(second, "31050/1/0")
    for seconds, token, _ in observer.until(30):
        told[token].append(seconds)
    for token in EVERYWHERE:
        period = in_force.get(token)
        if period is not None:
            assert told[token] == list(range(period, 31, period)), token
        elif name == "pmax":
            assert told[token] == [], token
        else:
            changes = 2 if token == b"object" else 1
            assert told[token] == [second for second in range(1, 31) for _ in range(changes)], token


# queries for the object, the instance, the resource -> pmax in force for the resource, or None
INCONSISTENT = [
    (["pmin=20"], [], ["pmax=30"], 30),
    ([], ["pmin=20"], ["pmax=20"], 20),
    (["pmax=10"], [], ["pmin=5"], 10),
    # What was written later, further up, may contradict: then there is no pmax.
    (["pmin=20"], [], ["pmax=10"], None),
    ([], ["pmin=20"], ["pmax=10"], None),
    (["pmin=20"], ["pmax=30"], ["pmax=10"], None),
]


@pytest.mark.parametrize(("of_object", "of_instance", "of_resource", "pmax"), INCONSISTENT)
def test_inherited_periods_that_contradict(of_object, of_instance, of_resource, pmax):
    observer = Observer()
    for path, queries in ((REAL, of_resource), ("31050/0", of_instance), ("31050", of_object)):
        if queries:
            attributes(observer.rig, path, *queries)
    observer.observe(REAL)
    assert observer.play([], 60) == ([] if pmax is None else [(at, 20) for at in range(pmax, 61, pmax)])


# -- changed while they are in force

# queries before, the second at which others come, these -> (seconds, value) told of a change to 21 at 5 s
REWRITTEN = [
    (["pmin=100"], 20, ["pmin=10"], [(20, 21)]),
    (["pmin=100"], 20, ["pmin=30"], [(30, 21)]),
    (["pmin=100"], 20, ["pmin"], [(20, 21)]),
    (["pmin=10"], 7, ["pmin=40"], [(40, 21)]),
    (["pmax=100"], 20, ["pmax=15"], [(5, 21), (20, 21), (35, 21), (50, 21)]),
    (["pmax=100"], 40, ["pmax=15"], [(5, 21), (40, 21), (55, 21)]),
    (["pmax=30"], 20, ["pmax="], [(5, 21)]),
    (["gt=25"], 20, ["gt=20"], []),  # 21 was not worth telling when it came, and there was none after it
    (["pmin=30", "gt=25"], 20, ["gt"], [(30, 21)]),
    (["pmin=30"], 20, ["gt=25"], []),
]


@pytest.mark.parametrize(("before", "at", "queries", "told"), REWRITTEN)
def test_rewritten(before, at, queries, told):
    observer = Observer()
    attributes(observer.rig, REAL, *before)
    observer.observe(REAL)
    found = observer.play([(5, 21)], at)
    attributes(observer.rig, REAL, *queries)
    assert found + observer.play([], 60) == told


@pytest.mark.parametrize("queries", [["pmin=1", "pmax=x"], ["pmin=61"], ["pmin=1", "gt=5", "lt=6"], ["pmin", "x=1"]])
def test_bad_queries_leave_what_is_in_force(queries):
    observer = Observer()
    attributes(observer.rig, REAL, "pmin=10", "pmax=60", "gt=25")
    observer.observe(REAL)
    links = observer.rig.ask("GET", REAL, accept=40).payload
    response = observer.rig.ask("PUT", REAL, query=queries)
    assert dotted(response) == "4.00"
    assert observer.rig.ask("GET", REAL, accept=40).payload == links
    assert observer.play([(2, 26), (12, 24), (15, 26)], 100) == [(10, 26), (70, 26)]


# -- several observers


class Clock:
    ms = 0


class Account:
    """What one server has of its own: attributes and observations. The value is everyone's."""

    def __init__(self, clock: Clock, gauge: Gauge, queries: "list[bytes]"):
        self.agent = self.servers = self.endpoint = self
        self.access = None
        self.clock, self.gauge = clock, gauge
        self.settings, self.server = Settings("dev"), Server()
        self.told: "list[tuple[int, float]]" = []
        self.unanswered: list = []
        self.observations = Observations(self)
        self.attributes = self.observations.set_attributes()
        self.observations.source = self
        self.attributes.write((GAUGE, 0, 0), queries, FLOAT)
        self.observations.add(Message(1, token=b"x"), (GAUGE, 0, 0), None, False, gauge.value)

    def represent(self, path: tuple, accept: "int | None") -> tuple:
        return Message(CONTENT), self.gauge.value

    def keep(self) -> None: ...

    def notify(self, request, response, confirmable, on_done, now) -> None:
        self.told.append((self.clock.ms // 1000, self.gauge.value))
        self.unanswered.append(on_done)

    def tick(self) -> None:
        self.observations.handle_timer()
        while self.unanswered:
            self.unanswered.pop()(DONE, None)
        due = self.observations.deadline()
        assert due is None or due > self.clock.ms

    def subscribed(self, account, path) -> None: ...

    def unsubscribed(self, account, path, cancelled) -> None: ...

    def delivered(self, account, path, status) -> None: ...


# what each server wants -> the seconds at which it is told of a value that grows by one each second, from 0 to 20
SEVERAL = [
    ([], list(range(1, 21))),
    (["pmin=5"], [5, 10, 15, 20]),
    (["pmin=7"], [7, 14]),
    (["gt=10"], [11]),
    (["lt=10"], [10]),
    (["gt=15", "lt=5"], [5, 16]),
    (["st=4"], [4, 8, 12, 16, 20]),
    (["st=3", "pmin=5"], [5, 10, 15, 20]),
    (["st=6", "pmax=4"], [4, 8, 12, 16, 20]),
    (["gt=17", "pmax=8"], [8, 16, 18]),
]


@pytest.mark.parametrize(("one", "told"), SEVERAL)
@pytest.mark.parametrize(("other", "told_other"), SEVERAL[1::3])
def test_each_server_is_told_as_it_wants(one, told, other, told_other):
    clock, gauge = Clock(), Gauge(0)
    accounts = [Account(clock, gauge, [query.encode() for query in queries]) for queries in (one, other)]
    for second in range(1, 21):
        clock.ms = second * 1000
        gauge.value = second
        for account in accounts:
            account.observations.changed((GAUGE, 0, 0))
            account.tick()
    assert accounts[0].told == [(second, second) for second in told]
    assert accounts[1].told == [(second, second) for second in told_other]


def test_what_one_server_writes_is_nothing_to_another():
    clock, gauge = Clock(), Gauge(0)
    one, other = Account(clock, gauge, [b"pmin=5"]), Account(clock, gauge, [])
    one.attributes.write((GAUGE,), [b"pmax=3"], None)
    one.attributes.write((GAUGE, 0, 0), [b"pmin=2"], FLOAT)
    one.observations.attributes_changed((GAUGE,))
    for account in (one, other):
        account.observations.changed((GAUGE, 0, 0))
    for second in range(1, 11):
        clock.ms = second * 1000
        for account in (one, other):
            account.tick()
    assert one.told == [(2, 0), (5, 0), (8, 0)]
    assert other.told == [(1, 0)]
    assert other.attributes.all() == []
