"""docs/conformance.md: each test that it names exists, each row has a test or a reason, no section is left out.

Below that, what the page says and no other test shows: requirements that concern a whole device, in virtual time.
"""

import ast
import json
import re
from functools import cache
from typing import Any, NamedTuple

import pytest
from aiocoap import CON, Message

from atiny import BOOTSTRAP_SEQUENCE, FLOAT, Object, Resource, ServerAccount
from atiny.testing import FakeStore, Simulation
from atiny.testing.bootstrap import account, delete, discover, finish, write
from tests.sources import ROOT

PAGE = ROOT / "docs" / "conformance.md"
HEADER = ["Section", "Requirement", "Supported", "Shown by, or why not"]
TEST = re.compile(r"`([\w/]*(?:\.py)?)::(test_\w+)`")

# The sections of the specification that say what a client does; the others are the server's, or explain.
SECTIONS = """
    5.1.1 5.1.2 5.2.2 5.2.3.1 5.2.3.2 5.2.3.3 5.2.3.4 5.2.4 5.2.5 5.2.6 5.2.7.1 5.2.7.2 5.2.7.3 5.2.7.4 5.2.7.5
    5.3 5.3.1 5.3.1.1 5.3.2 5.3.3 5.4 5.4.1 5.4.2 5.4.3 5.4.4 5.4.5 5.4.6 5.4.7 5.5 5.5.1 5.5.2 5.5.3
    6.1 6.2 6.3 6.4 6.4.1 6.4.2 6.4.3 6.4.4 7.1.1 7.1.2 7.1.3 7.1.4 7.1.6 7.1.7 7.1.8 7.1.9 7.1.10 7.1.11 7.2
    7.3 7.3.1.1 7.3.1.2.1 7.3.1.2.2 7.3.1.3 7.3.2 7.3.2.1 7.3.2.2 7.3.2.3 7.3.2.4 7.3.2.5
    8.1 8.2 8.2.2 8.2.3 8.2.4 8.2.5 8.2.6 8.3 8.4 8.5 8.6.1 8.6.2
    C E.1 E.1.1 E.1.2 E.1.3 E.2 E.3 E.4 E.5 E.6 E.7 E.8 G
""".split()


class Row(NamedTuple):
    section: str
    requirement: str
    supported: str
    tests: "list[tuple[str, str]]"  # (file below tests/, function)
    reason: str  # what else the last cell says

    def __str__(self) -> str:
        return f"{self.section}: {self.requirement}"


def named_in(cell: str) -> "list[tuple[str, str]]":
    """A name without a file is of the file before it in the cell."""
    found: "list[tuple[str, str]]" = []
    for file, name in TEST.findall(cell):
        found.append((file or found[-1][0], name))
    return found


def page_rows() -> "list[Row]":
    """The rows of the tables of requirements."""
    rows = []
    header: "list[str]" = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and not header:
            header = cells
        elif not cells:
            header = []
        elif header == HEADER and not cells[0].startswith("---"):
            section, requirement, supported, shown = cells
            reason = TEST.sub("", shown).replace("<br>", "").strip(" ,;")
            rows.append(Row(section, requirement, supported, named_in(shown), reason))
    return rows


ROWS = page_rows()


@cache
def functions(file: str) -> "set[str]":
    """The names of the tests in a file below tests/, as pytest would collect them."""
    tree = ast.parse((ROOT / "tests" / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_is_named_exists():
    named = {test for row in ROWS for test in row.tests}
    assert len(named) > 150
    missing = [f"{file}::{name}" for file, name in sorted(named) if name not in functions(file)]
    assert missing == []
    in_tables = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    assert "".join(in_tables).count("::") == sum(len(row.tests) for row in ROWS), "one is not in its place"


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_every_row_has_a_test_or_a_reason(row):
    assert row.supported in ("yes", "partly", "no"), row
    assert row.requirement, row
    if row.supported == "yes":
        # What is shown against Leshan is shown elsewhere too: without Java those tests skip.
        assert [file for file, _ in row.tests if not file.startswith("interop/")], row
    else:
        assert len(row.reason) > 20, row


def test_no_section_is_left_out():
    found = {section for row in ROWS for section in row.section.split(", ")}
    assert [section for section in SECTIONS if section not in found] == []
    ours = sorted(section for section in found if section not in SECTIONS and not section.startswith("RFC "))
    assert ours == []


def test_every_requirement_stands_there_once():
    assert len({(row.section, row.requirement) for row in ROWS}) == len(ROWS)


def test_the_page_names_the_tests_below():
    shown = {name for row in ROWS for file, name in row.tests if file == "test_conformance.py"}
    about_the_page = {name for name in functions("test_conformance.py") if PAGE_TESTS.match(name)}
    assert shown == {name for name in functions("test_conformance.py") if name.startswith("test_")} - about_the_page


PAGE_TESTS = re.compile("test_(every|no_section|the_page)_")


# -- what the page says of a whole device

MINUTE_MS = 60_000
TEXT, TLV, JSON = 0, 11542, 11543
READ, ALL = 1, 31
VALUE = "/3303/0/5700"


class Thermometer(Object):
    object_id = 3303
    multiple = creatable = True
    resources = (Resource(5700, "sensor_value", FLOAT, "R"),)
    sensor_value = 20.0


class World:
    """A device with a thermometer, the servers "one" (short id 1) and "two" (2), and a bootstrap server."""

    def __init__(self, script=(), server: Any = "coap://one", **options):
        self.simulation = Simulation()
        self.one = self.simulation.server("one")
        self.two = self.simulation.server("two")
        self.bootstrap = self.simulation.bootstrap_server(script=script)
        self.store = FakeStore()
        self.sensor = Thermometer()
        self.options = {"server": server, "bootstrap": "coap://bootstrap", **options}
        self.start()

    def start(self):
        platform = self.simulation.platform("dev", store=self.store)
        self.client = self.simulation.client("dev", platform=platform, objects=[self.sensor], **self.options)
        self.simulation.run_until(lambda: self.client.registered)
        self.run()

    def power_off(self):
        """The device vanishes without a word."""
        self.simulation.remove_client(self.client)
        for socket in self.client.platform.sockets:
            socket.close()

    def run(self, ms=1000):
        self.simulation.run(ms)

    def listening(self):
        """The addresses at which the device listens to the bootstrap server."""
        sockets = self.client.platform.sockets
        return [socket.address for socket in sockets if socket.peer == ("bootstrap", 5683)]

    def done(self, request):
        """The code of a request, once virtual time has passed."""
        self.run()
        return request.code

    def set(self, value):
        self.sensor.sensor_value = value
        self.client.changed(VALUE)
        self.run()

    def bootstrapped(self, *script):
        """The codes of a bootstrap that the host asks for."""
        self.bootstrap.script = script
        self.client.bootstrap()
        self.run(5000)
        return self.bootstrap.last().codes

    def controls(self):
        """The device's Access Control instances by id."""
        return self.client._model.objects[2].instances

    def uplink(self):
        """What the device has sent, by aiocoap's codec."""
        return [Message.decode(datagram.data) for datagram in self.simulation.network.trace if datagram.uplink]


TWO = [ServerAccount("coap://one", short_server_id=1), ServerAccount("coap://two", short_server_id=2)]


def test_a_server_is_ignored_during_a_server_initiated_bootstrap():
    world = World(bootstrap_mode=BOOTSTRAP_SEQUENCE, hold_off=3600)
    world.one.silent = True
    world.client.reconnect()
    world.simulation.run_until(world.listening, 10 * MINUTE_MS)
    world.run()
    script = [discover(), *account("coap://two", 2), finish(pause_ms=100_000)]
    run = world.bootstrap.start("dev", script, world.listening()[0])
    world.run()
    assert run.codes == ["2.05", "2.04", "2.04"]
    world.one.silent = False
    requests = [world.one.read("dev", "/3/0/0"), world.one.observe("dev", VALUE), world.one.execute("dev", "/1/0/8")]
    world.run(99_000)
    assert [(request.done, request.code) for request in requests] == [(True, None)] * 3
    assert world.one.count("register") == 1, "nor does the device speak to it"
    world.run(MINUTE_MS)
    assert run.ok
    assert world.bootstrap.requests == []
    assert "dev" in world.two.devices


def test_a_bootstrap_without_finish_leaves_the_bootstrap_account_as_it_was():
    world = World()
    elsewhere = {0: "coap://elsewhere", 1: True, 2: 3, 3: b"", 4: b"", 5: b"", 11: 7}
    assert world.bootstrapped(write("/0/1", elsewhere)) == ["2.04"]
    world.run(10 * MINUTE_MS)
    assert len(world.bootstrap.requests) >= 2, "it is still this one that is asked"
    assert "accounts" not in world.store.records
    assert world.client.registered


def test_access_control_does_not_bind_the_bootstrap_server():
    world = World(server=TWO)
    rights = world.one.read("dev", "/2/0", JSON)
    assert world.done(rights) == "2.05"
    nobody = {0: 3303, 1: 0, 2: {1: 0, 2: 0}, 3: 65535}
    [sensor] = [
        number
        for number, control in world.controls().items()
        if (control.target_object_id, control.target_instance_id) == (3303, 0)
    ]
    assert world.bootstrapped(write(f"/2/{sensor}", nobody), finish()) == ["2.04", "2.04"]
    for server in (world.one, world.two):
        assert world.done(server.read("dev", VALUE)) == "4.01"
        assert world.done(server.write("dev", f"/2/{sensor}/3", b"1", TEXT)) == "4.01", "nor can they change it"
    assert world.bootstrapped(delete("/3303/0"), finish()) == ["2.02", "2.04"]
    assert world.done(world.one.read("dev", VALUE)) == "4.04"


def test_a_server_whose_account_is_deleted_leaves_nothing_behind():
    """One instance is its own; the Device object, which was made over to it, is the device's."""
    third = ServerAccount("coap://three", short_server_id=3)
    world = World(server=[TWO[0], ServerAccount("coap://two", short_server_id=2, rights="RC"), third])
    three = world.simulation.server("three")
    world.run(MINUTE_MS)
    assert world.done(world.two.create("dev", "/3303", b"")) == "2.01"
    assert world.done(three.read("dev", "/3303/1/5700")) == "4.01"
    [rights] = [number for number, control in world.controls().items() if control.target_object_id == 3]
    for path, value in ((f"/2/{rights}/2", b"\x80\x02"), (f"/2/{rights}/3", b"\xc1\x03\x02")):
        assert world.done(world.one.write("dev", path, value, TLV)) == "2.04"
    assert world.done(three.read("dev", "/3/0/0")) == "4.01"
    assert world.bootstrapped(delete("/0/1"), finish()) == ["2.02", "2.04"]
    assert world.done(three.read("dev", "/1/1")) == "4.04"
    assert world.done(three.read("dev", "/3303/1")) == "4.04", "it goes with who created it"
    assert world.done(three.read("dev", "/3/0/0")) == "2.05", "as the device has it without a word from anybody"
    assert {2} & {control.owner for control in world.controls().values()} == set()
    assert {2} & {id for control in world.controls().values() for id in control.acl} == set()
    requests = world.two.count("register"), world.two.count("update")
    world.simulation.run(100 * MINUTE_MS)
    assert (world.two.count("register"), world.two.count("update")) == requests


def test_one_bootstrap_write_in_json_fills_an_object():
    entries = []
    for number, host in ((4, "one"), (6, "two")):
        for id, value in ((0, {"sv": f"coap://{host}"}), (1, {"bv": False}), (2, {"v": 3}), (10, {"v": number})):
            entries.append({"n": f"{number}/{id}", **value})
        entries += [{"n": f"{number}/{id}", "sv": ""} for id in (3, 4, 5)]
    securities = json.dumps({"bn": "/0/", "e": entries}).encode()
    servers = [{0: number, 1: 600, 6: True, 7: "U"} for number in (4, 6)]
    script = (delete("/1"), delete("/0"), write("/0", securities, JSON))
    world = World()
    codes = world.bootstrapped(*script, write("/1/0", servers[0]), write("/1/1", servers[1]), finish())
    assert codes == ["2.02", "2.02", "2.04", "2.04", "2.04", "2.04"]
    assert (world.one.device("dev").lifetime_s, world.two.device("dev").lifetime_s) == (600, 600)


def test_new_accounts_are_used_on_a_link_of_their_own():
    world = World()
    before = world.one.device("dev").address
    assert world.bootstrapped(*account("coap://one", 123), finish())[-1] == "2.04"
    assert world.one.count("register") == 2
    assert world.one.device("dev").address != before
    talks = {datagram.source for datagram in world.simulation.network.trace if datagram.destination[0] == "bootstrap"}
    assert not talks & {before, world.one.device("dev").address}, "nor does anything else go over the bootstrap's"


def test_a_restart_registers_anew_and_is_observed_anew():
    world = World()
    first = world.one.observe("dev", VALUE)
    world.run()
    world.set(21.0)
    world.power_off()
    world.start()
    assert world.one.count("register") == 2
    world.set(22.0)
    assert [one.payload for one in first.notifications] == [b"20.0", b"21.0"]
    again = world.one.observe("dev", VALUE)
    world.run()
    world.set(23.0)
    assert [one.payload for one in again.notifications] == [b"22.0", b"23.0"]


def test_discover_shows_a_server_its_own_attributes_only():
    world = World(server=TWO)
    assert world.done(world.one.write_attributes("dev", VALUE, "gt=50", "lt=42.2")) == "2.04"
    assert world.done(world.two.write_attributes("dev", VALUE, "pmax=300")) == "2.04"
    shown = [server.discover("dev", VALUE) for server in (world.one, world.two)]
    world.run()
    link = b"</3303/0/5700>"
    assert [request.payload for request in shown] == [link + b";gt=50;lt=42.2", link + b";pmax=300"]


def test_requests_are_confirmable_and_data_names_its_format():
    world = World(lifetime=120, confirmable_notifications=False)
    world.one.observe("dev", VALUE)
    for path in ("/3/0/0", "/3/0", "/3", "/19/0/0", VALUE):
        assert world.done(world.one.read("dev", path)) == "2.05"
    for value in (21.0, 22.0):
        world.set(value)
    assert world.bootstrapped(discover(), delete("/1"), *account("coap://one", 123), finish())[-1] == "2.04"
    world.run(5 * MINUTE_MS)
    world.client.stop()
    sent = world.uplink()
    paths = {message.opt.uri_path[0] for message in sent if message.code.is_request()}
    assert paths == {"rd", "bs"}, "Register, Update, De-register, Bootstrap-Request"
    assert len({message.code for message in sent if message.code.is_request()}) == 2
    assert {message.mtype for message in sent if message.code.is_request()} == {CON}
    data = [message for message in sent if message.payload and message.code.is_successful()]
    assert len(data) >= 8
    assert [message for message in data if message.opt.content_format is None] == []


# the attributes, the value that was told last, the new one: the specification's examples (8.2.5)
EXAMPLES = [
    *[("gt=45 st=10", before, after) for before, after in ((20, 35), (45, 50), (50, 40), (35, 20))],
    *[("lt=20 gt=85 st=10", before, after) for before, after in ((17, 24), (75, 90), (50, 10), (87, 99))],
]


@pytest.mark.parametrize(("attributes", "before", "after"), EXAMPLES)
def test_the_examples_of_write_attributes(attributes, before, after):
    world = World()
    assert world.done(world.one.write_attributes("dev", VALUE, *attributes.split())) == "2.04"
    world.sensor.sensor_value = float(before)
    observed = world.one.observe("dev", VALUE)
    world.run()
    world.set(float(after))
    assert [float(one.payload) for one in observed.notifications] == [before, after]
