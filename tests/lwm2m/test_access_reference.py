"""Random rights, against the rules of LwM2M 1.0, 7.3.2 written down sentence by sentence."""

from hypothesis import given, settings, strategies as st

from atiny.lwm2m.model import Object, Resource
from atiny.lwm2m.objects.access_control import AccessControl
from atiny.lwm2m.types import INTEGER, NONE
from tests.lwm2m.access_rig import LINK, TLV, Device

SERVERS = (1, 2, 3)
OBJECTS = (31040, 31041)
INSTANCES = (0, 1, 2)
MAX_ID = 65535


def thing(id: int) -> type:
    class Thing(Object):
        object_id = id
        multiple = creatable = True
        resources = (Resource(0, "value", INTEGER, "RW"), Resource(1, "press", NONE, "E"))

        def __init__(self):
            self.value = 5
            self.pressed = 0

        def execute_press(self, arguments):
            self.pressed += 1

    return Thing


THINGS = [thing(id) for id in OBJECTS]

# The table of 7.3.2: the least access right.
NEEDS = {"read": "R", "observe": "R", "write attributes": "R", "write": "W", "execute": "E", "delete": "D"}
LETTERS = {1: "R", 2: "W", 4: "E", 8: "D", 16: "C"}


def granted(bits: int) -> "set[str]":
    """Each bit set grants an access right (the ACL resource of E.3)."""
    return {LETTERS[bit] for bit in LETTERS if bits & bit}


def access_right(controls, server: int, target: "tuple[int, int]") -> "set[str]":
    """7.3.2.1, for operations other than Create, in an environment of several servers."""
    for control in controls:
        if (control["object"], control["instance"]) == target:
            break
    else:
        return set()  # none that could be obtained
    has_entry = server in control["acl"]
    # If the server is the owner and there is no ACL resource instance for it: full access right.
    if control["owner"] == server and not has_entry:
        return {"R", "W", "E", "D"}
    # If there is an ACL resource instance for the server: from that.
    if has_entry:
        return granted(control["acl"][server])
    # Not the owner and no instance of its own: from ACL resource instance 0, if it exists.
    if 0 in control["acl"]:
        return granted(control["acl"][0])
    # Else the server has no access right.
    return set()


def may_create(controls, server: int, object_id: int) -> bool:
    """7.3.2: only if the object's instance exists and has an ACL resource instance for that server with Create."""
    for control in controls:
        if (control["object"], control["instance"]) == (object_id, MAX_ID):
            return server in control["acl"] and "C" in granted(control["acl"][server])
    return False


TARGETS = [(object_id, instance) for object_id in OBJECTS for instance in INSTANCES + (MAX_ID,)]
control_sets = st.lists(
    st.fixed_dictionaries(
        {
            "target": st.sampled_from(TARGETS),
            "acl": st.dictionaries(st.sampled_from((0, 1, 2, 3, 9)), st.integers(0, 31), max_size=4),
            "owner": st.sampled_from((1, 2, 3, 9, MAX_ID)),
        }
    ),
    max_size=len(TARGETS),
    unique_by=lambda control: control["target"],
)


def build(control_set) -> "tuple[Device, list[dict]]":
    items = [cls() for cls in THINGS for _ in INSTANCES]
    device = Device(*items, servers=SERVERS)
    controls = []
    for one in control_set:
        object_id, instance = one["target"]
        device.model.add(AccessControl(object_id, instance, dict(one["acl"]), one["owner"]))
        controls.append({"object": object_id, "instance": instance, "acl": one["acl"], "owner": one["owner"]})
    return device, controls


def state(device: Device) -> list:
    objects = device.model.objects
    found = []
    for object_id in OBJECTS:
        for id in objects[object_id].ids:
            instance = objects[object_id].instances[id]
            found.append((object_id, id, instance.value, instance.pressed))
    for seat in device.seats.values():
        found.append((list(seat.observing), dict(seat.attributes._set)))
    return found


@settings(max_examples=150, deadline=None)
@given(control_sets, st.sampled_from(SERVERS), st.sampled_from(OBJECTS), st.sampled_from(INSTANCES))
def test_operations_on_an_instance(control_set, server, object_id, instance):
    for name in NEEDS:
        device, controls = build(control_set)
        path = "%d/%d" % (object_id, instance)
        asks = {
            "read": (("GET", path), {}),
            "observe": (("GET", path + "/0"), {"observe": 0}),
            "write attributes": (("PUT", path + "/0"), {"query": ["pmin=3"]}),
            "write": (("PUT", path + "/0", b"7"), {"format": 0}),
            "execute": (("POST", path + "/1"), {}),
            "delete": (("DELETE", path), {}),
        }
        ask, options = asks[name]
        before = state(device)
        code = device.code(server, *ask, **options)
        if NEEDS[name] in access_right(controls, server, (object_id, instance)):
            assert code[0] == "2", name
            assert (state(device) != before) is (name != "read")
        else:
            assert (code, state(device)) == ("4.01", before), name
    device, controls = build(control_set)
    right = access_right(controls, server, (object_id, instance)) - {"C"}
    assert device.code(server, "GET", path, accept=LINK) == ("2.05" if right else "4.01")


@settings(max_examples=150, deadline=None)
@given(control_sets, st.sampled_from(SERVERS), st.sampled_from(OBJECTS))
def test_operations_on_an_object(control_set, server, object_id):
    device, controls = build(control_set)
    rights = {instance: access_right(controls, server, (object_id, instance)) for instance in INSTANCES}
    # Read: all the instances for which the server has the right, aggregated.
    expected = b"".join(bytes((0x03, id, 0xC1, 0, 5)) for id in INSTANCES if "R" in rights[id])
    response = device.ask(server, "GET", str(object_id))
    assert response.code == (0x45 if expected else 0x81)
    assert not expected or response.payload == expected
    links = device.ask(server, "GET", str(object_id), accept=LINK).payload.decode().split(",")
    seen = [id for id in INSTANCES if "</%d/%d>" % (object_id, id) in links]
    assert seen == [id for id in INSTANCES if rights[id] - {"C"}]
    assert len(links) == 1 + 3 * len(seen)

    before = state(device)
    code = device.code(server, "POST", str(object_id), bytes.fromhex("c1 00 07"), format=TLV)
    if not may_create(controls, server, object_id):
        assert (code, state(device)) == ("4.01", before)
        return
    assert code == "2.01"
    assert device.model.objects[object_id].ids == [0, 1, 2, 3]
    for bit in (1, 2, 4, 8):
        assert [device.access.allowed(one, (object_id, 3), bit) for one in SERVERS] == [
            one == server for one in SERVERS
        ]


@settings(max_examples=100, deadline=None)
@given(
    control_sets,
    st.lists(st.tuples(st.sampled_from(SERVERS), st.sampled_from(TARGETS), st.integers(0, 31)), max_size=8),
)
def test_rights_that_change(control_set, changes):
    """Owners, and others, write ACLs: what counts afterwards is what the instances then say."""
    device, controls = build(control_set)
    for server, target, bits in changes:
        ids = [id for id, one in enumerate(controls) if (one["object"], one["instance"]) == target]
        if not ids:
            continue
        owner = controls[ids[0]]["owner"] == server and target[1] != MAX_ID
        code = device.code(server, "PUT", "2/%d/2/%d" % (ids[0], SERVERS[0]), b"%d" % bits, format=0)
        assert code == ("2.04" if owner else "4.01")
        if owner:
            controls[ids[0]]["acl"] = {**controls[ids[0]]["acl"], SERVERS[0]: bits}
    for object_id in OBJECTS:
        for instance in INSTANCES:
            for server in SERVERS:
                right = access_right(controls, server, (object_id, instance))
                for bit in (1, 2, 4, 8):
                    assert device.access.allowed(server, (object_id, instance, 0), bit) is (LETTERS[bit] in right)
