"""The virtual server: registrations, and its exchanges of messages; garbage, silence and restarts."""

import random

import pytest
from aiocoap import ACK, CON, NON, RST

from atiny.testing import Network, VirtualServer
from tests.testing.peer_device import LINKS, REGISTER, World, content

# -- the registration interface


def test_a_registrations_life():
    world = World()
    location = world.device.register()
    assert location == "rd/site-1/1"
    registered = world.server.device("dev")
    assert (registered.lifetime_s, registered.binding, registered.version) == (300, "U", "1.0")
    assert registered.address == world.device.socket.address
    assert registered.paths == ["/1/0", "/3/0"]
    assert world.device.ask(2, location)[0] == "2.04"
    assert world.device.ask(2, location, ["lt=600"], b"</3/0>", content_format=40)[0] == "2.04"
    assert (registered.lifetime_s, registered.updates, registered.paths) == (600, 2, ["/3/0"])
    assert world.device.ask(4, location)[0] == "2.02"
    assert world.server.devices == {}
    assert world.device.ask(2, location)[0] == "4.04"
    assert [event.kind for event in world.server.events] == ["register", "update", "update", "deregister"]
    assert [event.detail for event in world.server.events] == ["", "", "lt=600 links", ""]
    assert world.server.protocol_errors == []
    with pytest.raises(LookupError, match="'dev' is not registered; registered: none"):
        world.server.device("dev")


def test_a_registration_expires_in_virtual_time():
    world = World()
    location = world.device.register()
    world.device.run(200_000)
    world.device.ask(2, location)
    world.device.run(298_000)
    assert world.server.count("expired") == 0
    world.device.run(2_000)
    assert world.server.count("expired", "dev") == 1
    assert world.server.count("expired", "other") == 0
    assert world.device.ask(2, location)[0] == "4.04"


def test_registering_again_replaces_the_registration():
    world = World()
    first = world.device.register()
    request = world.server.observe("dev", "/3/0/9")
    assert len(world.device.run()) == 1
    second = world.device.register()
    assert first != second
    assert request.error == "the registration ended"
    assert len(world.server.devices) == 1
    assert world.device.run(400_000) == []  # what was asked of the old one is not sent again
    assert world.server.count("expired") == 1


def test_an_update_from_another_address():
    world = World()
    location = world.device.register()
    world.network.rebind(world.device.socket)
    world.device.ask(2, location)
    assert world.server.device("dev").address == world.device.socket.address


WRONG = [
    ("Register without a name", "4.00", (2, "rd", ("lt=60", "lwm2m=1.0")), {}),
    ("Register without a version", "4.00", (2, "rd", ("ep=d", "lt=60")), {}),
    ("Register of 1.1", "4.12", (2, "rd", ("ep=d", "lwm2m=1.1")), {}),
    ("Register with a bad lifetime", "4.00", (2, "rd", ("ep=d", "lwm2m=1.0", "lt=-1")), {}),
    ("Register with lifetime 0", "4.00", (2, "rd", ("ep=d", "lwm2m=1.0", "lt=0")), {}),
    ("Register with a 1.1 binding", "4.00", (2, "rd", ("ep=d", "lwm2m=1.0", "b=U&Q")), {}),
    ("Register with more than it knows", "4.00", (2, "rd", ("ep=d", "lwm2m=1.0", "x=1")), {}),
    ("Register without objects", "4.00", (2, "rd", ("ep=d", "lwm2m=1.0")), {"payload": b""}),
    ("Register in text", "4.15", (2, "rd", ("ep=d", "lwm2m=1.0")), {"content_format": 0}),
    ("Register without a format", "4.00", (2, "rd", ("ep=d", "lwm2m=1.0")), {"content_format": None}),
    ("GET on /rd", "4.05", (1, "rd"), {}),
    ("another path", "4.04", (2, "bs", ("ep=d",)), {}),
    ("PUT on a registration", "4.05", (3, "LOCATION"), {}),
    ("Update with a bad lifetime", "4.00", (2, "LOCATION", ("lt=x",)), {}),
    ("Update with the name", "4.00", (2, "LOCATION", ("ep=dev",)), {}),
    ("Update with objects in text", "4.00", (2, "LOCATION"), {"content_format": 0}),
]


@pytest.mark.parametrize(("what", "code", "args", "options"), WRONG, ids=[row[0] for row in WRONG])
def test_what_a_device_must_not_send(what, code, args, options):
    world = World()
    location = world.device.register()
    args = [location if arg == "LOCATION" else arg for arg in args]
    options = {"payload": LINKS, "content_format": 40, **options}
    answered, answer = world.device.ask(*args, **options)
    assert answered == code
    assert len(world.server.protocol_errors) == 1
    assert answer.payload.decode() == world.server.protocol_errors[0]


def test_rejections():
    world = World()
    world.server.reject_registrations("4.03", times=2)
    world.server.reject_registrations("5.03", times=1)
    request = (2, "rd", REGISTER, LINKS)
    codes = [world.device.ask(*request, content_format=40)[0] for _ in range(4)]
    assert codes == ["4.03", "4.03", "5.03", "2.01"]
    world.server.reject_registrations(129)
    assert [world.device.ask(*request, content_format=40)[0] for _ in range(2)] == ["4.01", "4.01"]
    world.server.accept_registrations()
    assert world.device.ask(*request, content_format=40)[0] == "2.01"
    assert world.server.count("rejected", "dev") == 5


def test_a_large_object_list_comes_in_blocks():
    world = World(block_size=64)
    links = b",".join(b"</3303/%d>" % number for number in range(40))
    answers = []
    for number in range((len(links) + 63) // 64):
        payload = links[64 * number : 64 * number + 64]
        more = 64 * number + 64 < len(links)
        answers.append(world.device.ask(2, "rd", REGISTER, payload, content_format=40, block1=(number, more, 2)))
    assert [code for code, _ in answers[:-1]] == ["2.31"] * (len(answers) - 1)
    assert answers[-1][0] == "2.01"
    assert tuple(answers[0][1].opt.block1) == (0, True, 2)
    assert world.server.device("dev").paths[39] == "/3303/39"


def test_a_server_that_wants_smaller_blocks():
    world = World(block_size=32)
    code, answer = world.device.ask(2, "rd", REGISTER, b"x" * 128, content_format=40, block1=(0, True, 3))
    assert (code, tuple(answer.opt.block1)) == ("2.31", (0, True, 1))
    code, _ = world.device.ask(2, "rd", REGISTER, b"y" * 32, content_format=40, block1=(4, False, 1))
    assert code == "2.01"
    assert world.server.device("dev").links == "x" * 128 + "y" * 32


def test_a_block_that_is_missing():
    world = World()
    code, _ = world.device.ask(2, "rd", REGISTER, b"x" * 64, content_format=40, block1=(1, True, 2))
    assert code == "4.08"


def test_the_size_of_blocks_is_checked():
    with pytest.raises(ValueError, match="a power of two"):
        VirtualServer(Network(), block_size=100)


# -- messages


def test_a_message_that_comes_again_gets_the_same_answer():
    world = World()
    request = (2, "rd", REGISTER, LINKS)
    first = world.device.ask(*request, content_format=40, mid=7)[1]
    second = world.device.ask(*request, content_format=40, mid=7)[1]
    assert (first.mid, first.code, first.opt.location_path) == (second.mid, second.code, second.opt.location_path)
    assert (world.server.count("register"), world.server.duplicates) == (1, 1)
    world.device.run(248_000)
    world.device.ask(*request, content_format=40, mid=7)
    assert world.server.count("register") == 2


def test_a_ping():
    world = World()
    world.device.empty(CON, 77)
    (pong,) = world.device.run()
    assert (pong.mtype, pong.mid, pong.code) == (RST, 77, 0)


def test_a_response_that_nobody_asked_for():
    world = World()
    world.device.send(69, mtype=CON, mid=5, token=b"old")
    world.device.send(69, mtype=NON, mid=6, token=b"old")
    assert [(message.mtype, message.mid) for message in world.device.run()] == [(RST, 5), (RST, 6)]


def test_a_non_confirmable_request():
    world = World()
    world.device.send(2, "rd", REGISTER, LINKS, content_format=40, mtype=NON)
    (answer,) = world.device.run()
    assert (answer.mtype, answer.code) == (NON, 65)


def test_garbage_is_kept_and_ignored():
    world = World()
    rng = random.Random(1)
    location = world.device.register()
    valid = world.device.message(2, "rd", REGISTER, LINKS, content_format=40).encode()
    for _ in range(3000):
        data = bytearray(rng.choice([valid, rng.randbytes(rng.randrange(40))]))
        for _ in range(rng.randrange(1, 6)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        world.device.socket.send(bytes(data))
    world.device.run(300_000)
    assert len(world.server.malformed) > 300
    assert world.device.ask(2, location)[0] in ("2.04", "4.04")


def test_separate_answers():
    world = World()
    world.server.separate_ms = 500
    world.device.send(2, "rd", REGISTER, LINKS, content_format=40, token=b"abc")
    acknowledged, answer = world.device.run(600)
    assert (acknowledged.mtype, acknowledged.code) == (ACK, 0)
    assert (answer.mtype, answer.code, answer.token) == (CON, 65, b"abc")
    again = world.device.run(4000)  # it is confirmable: it comes again until it is acknowledged
    assert {message.mid for message in again} == {answer.mid}
    world.device.empty(ACK, answer.mid)
    assert world.device.run(120_000) == []
    world.server.separate_ms = None
    assert world.device.ask(2, "/".join(answer.opt.location_path))[0] == "2.04"


def test_a_silent_server():
    world = World()
    world.device.register()
    world.server.silent = True
    world.device.send(2, "rd", REGISTER, LINKS, content_format=40)
    assert world.device.run() == []
    world.server.silent = False
    assert world.server.count("register") == 1
    assert world.device.register()


def test_a_restart_forgets_everything():
    world = World()
    location = world.device.register()
    request = world.server.observe("dev", "/3/0/9")
    world.device.answer = lambda message: content(b"1", observe=1)
    world.device.run()
    world.server.restart()
    assert world.server.devices == {}
    assert (request.observing, request.error) == (False, None)
    assert world.device.ask(2, location)[0] == "4.04"
    world.device.send(69, token=request.token, observe=2, mid=9)
    (reset,) = world.device.run()
    assert (reset.mtype, reset.mid) == (RST, 9)
    assert world.device.register() != location
    world.device.run(400_000)
    assert [event.kind for event in world.server.events] == ["register", "restart", "register", "expired"]


def test_a_closed_server_is_nobody():
    world = World()
    world.server.close()
    world.device.send(2, "rd", REGISTER, LINKS, content_format=40)
    world.device.run()
    assert world.network.trace[-1].fate == "nobody"
