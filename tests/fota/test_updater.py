"""The updater: packages that are pushed, resets, results, events."""

import pytest

from atiny.fota.build import build
from tests.fota.rig import KEY, NEW, OLD, PLAIN, SIGNED, URI, Rig, begun, image

METHOD_NOT_ALLOWED = 0x85
INCOMPLETE = 0x88
UNSUPPORTED_FORMAT = 0x8F
INTERNAL = 0xA0

STATE = (5, 0, 3)
RESULT = (5, 0, 5)
ENDS = [b"", b"\0"]


# -- a push


@pytest.mark.parametrize("block", [16, 100, 1024, len(SIGNED)])
def test_a_push_an_update_and_the_start_after_it(block):
    rig = Rig(**KEY)
    assert rig.says == (0, 0)
    assert rig.push(SIGNED, block=block) is None
    assert rig.says == (2, 0)
    assert bytes(rig.storage.new) == NEW
    assert rig.boot() == (2, 0)
    assert rig.update() == (3, 0)
    assert rig.reboots == 1
    assert rig.storage.software == OLD
    assert rig.boot() == (0, 1)
    assert rig.storage.software == NEW
    assert rig.told == [(0, 1, 0, None)]
    assert rig.boot() == (0, 1)
    assert rig.told == [(0, 1, 0, None)]
    assert rig.failures == []
    assert rig.refused(rig.updater.update) == METHOD_NOT_ALLOWED


def test_what_is_observed_and_told():
    rig = Rig(**KEY, checkpoint=2048)
    rig.push(SIGNED)
    size = len(SIGNED)
    assert rig.told == [
        (1, 0, 0, None),
        (1, 0, 512, size),
        (1, 0, 512 + 2048, size),
        (1, 0, 512 + 2 * 2048, size),
        (2, 0, size, size),
    ]
    assert rig.changes == [STATE, STATE]
    rig.told.clear()
    rig.changes.clear()
    rig.update()
    assert rig.told == [(3, 0, size, size)]
    assert rig.changes == [STATE]
    rig.boot()
    assert rig.changes == [STATE, RESULT]


def test_a_large_package_is_told_of_at_every_percent():
    rig = Rig(accept_raw=True, checkpoint=1)
    rig.push(bytes(range(1, 101)) * 1000, block=100)
    assert len(rig.told) <= 103


def test_pushed_without_a_length():
    rig = Rig(**KEY)
    assert rig.push(SIGNED, announce=False) is None
    assert rig.told[1] == (1, 0, 512, len(SIGNED))  # the head says it


@pytest.mark.parametrize("announce", [True, False])
def test_a_raw_image_where_the_host_takes_it(announce):
    rig = Rig(accept_raw=True)
    assert rig.push(NEW, announce=announce) is None
    assert rig.says == (2, 0)
    rig.update()
    assert rig.boot() == (0, 1)
    assert rig.storage.software == NEW


def test_nothing_is_whole_in_memory():
    """What is held does not grow with the image."""
    import tracemalloc

    rig = Rig(accept_raw=True)

    class Sinks:
        def __getattr__(self, name):
            return getattr(rig.storage, name)

        def write_software(self, offset, data):
            pass

    rig.firmware_moved = lambda *event: None
    rig.updater.storage = Sinks()
    sink = rig.updater.open_push(1)
    block = b"\x55" * 1024
    sink.write(0, block, None)
    tracemalloc.start()
    for n in range(1, 4000):
        sink.write(n * 1024, block, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16_384


# -- a reset


@pytest.mark.parametrize("empty", ENDS)
def test_an_empty_package_resets_in_every_state_but_updating(empty):
    rig = Rig(**KEY)
    assert rig.push(empty) is None
    assert rig.says == (0, 0)
    rig.push(SIGNED[:-1])
    assert rig.says == (0, 5)
    assert rig.push(empty) is None
    assert rig.says == (0, 0)
    begun(rig)
    assert rig.push(empty, server=2) is None
    assert rig.says == (0, 0)
    rig.push(SIGNED)
    assert rig.push(empty) is None
    assert rig.says == (0, 0)
    assert rig.boot() == (0, 0)
    rig.push(SIGNED)
    rig.update()
    assert rig.push(empty) == METHOD_NOT_ALLOWED
    assert rig.says == (3, 0)
    assert rig.refused(rig.updater.set_uri, "") == METHOD_NOT_ALLOWED


def test_an_empty_body_of_which_no_byte_comes():
    rig = Rig(**KEY)
    rig.push(SIGNED)
    rig.updater.open_push(1).end()
    assert rig.says == (0, 0)
    rig.push(SIGNED)
    sink = rig.updater.open_push(1)
    sink.write(0, b"", 0)
    sink.end()
    assert rig.says == (0, 0)


def test_an_empty_uri_resets_too():
    rig = Rig(**KEY)
    rig.push(SIGNED)
    rig.updater.set_uri("")
    assert rig.says == (0, 0)
    rig.push(SIGNED)
    rig.update()
    assert rig.refused(rig.updater.set_uri, "") == METHOD_NOT_ALLOWED
    assert rig.refused(rig.updater.check_uri, "") == METHOD_NOT_ALLOWED


def test_a_push_that_was_reset_goes_on_no_more():
    rig = Rig(**KEY)
    sink = begun(rig)
    rig.updater.set_uri("")
    assert rig.refused(sink.write, 1024, SIGNED[1024:1536], None) == INCOMPLETE
    assert rig.refused(sink.end) == INCOMPLETE
    sink.abandon()
    assert rig.says == (0, 0)
    assert rig.push(SIGNED) is None


# -- several pushes


def test_a_second_server_is_refused_and_the_first_goes_on():
    rig = Rig(**KEY)
    sink = begun(rig, server=1)
    assert rig.push(SIGNED, server=2) == METHOD_NOT_ALLOWED
    assert rig.refused(rig.updater.set_uri, URI) == METHOD_NOT_ALLOWED
    other = rig.updater.open_push(2)
    assert rig.refused(other.write, 0, SIGNED[:512], None) == METHOD_NOT_ALLOWED
    other.abandon()
    assert rig.says == (1, 0)
    for offset in range(1024, len(SIGNED), 512):
        assert rig.push(SIGNED, server=None) == METHOD_NOT_ALLOWED  # in between
        sink.write(offset, SIGNED[offset : offset + 512], len(SIGNED))
    sink.end()
    assert rig.says == (2, 0)
    assert bytes(rig.storage.new) == NEW


def test_the_same_server_starts_over():
    rig = Rig(**KEY)
    sink = begun(rig)
    assert rig.push(SIGNED) is None
    assert rig.says == (2, 0)
    assert bytes(rig.storage.new) == NEW
    assert rig.refused(sink.write, 1024, SIGNED[1024:], None) == INCOMPLETE
    assert rig.refused(sink.end) == INCOMPLETE
    sink.abandon()
    assert rig.says == (2, 0)


def test_an_abandoned_push_starts_over_with_another_package():
    rig = Rig()
    other = build(image(700, 5))
    begun(rig, package=PLAIN).abandon()
    assert rig.says == (0, 4)
    assert rig.push(other) is None
    assert rig.says == (2, 0)
    assert bytes(rig.storage.new) == image(700, 5)


def test_a_push_that_stops_half_way():
    rig = Rig(**KEY)
    sink = begun(rig)
    rig.changes.clear()
    sink.abandon()
    assert rig.says == (0, 4)
    assert rig.changes == [STATE, RESULT]
    assert rig.boot() == (0, 4)
    assert rig.refused(rig.updater.update) == METHOD_NOT_ALLOWED


def test_a_push_that_a_restart_interrupts():
    rig = Rig(**KEY)
    begun(rig)
    assert rig.says == (1, 0)
    assert rig.boot() == (0, 4)
    assert rig.told == [(0, 4, 0, None)]
    assert rig.boot() == (0, 4)


def test_a_device_that_is_stopped_and_started():
    rig = Rig(**KEY)
    sink = begun(rig)
    rig.updater.stop()
    assert rig.refused(sink.write, 1024, SIGNED[1024:1536], None) == INCOMPLETE
    rig.updater.start()
    assert rig.says == (0, 4)


def test_a_package_that_is_there_keeps_others_out():
    rig = Rig(**KEY)
    rig.push(SIGNED)
    for _ in range(2):
        assert rig.push(SIGNED) == METHOD_NOT_ALLOWED
        assert rig.refused(rig.updater.set_uri, URI) == METHOD_NOT_ALLOWED
        assert rig.says == (2, 0)
        rig.boot()


# -- what the host has a say in


def test_name_and_version_of_the_package():
    heads = []

    def describe(head):
        heads.append(head.own_value(100))
        return "lamp", head.own_value(100).decode()

    rig = Rig(describe=describe)
    assert rig.push(build(NEW, tlvs=((100, b"2.0"),)), block=16) is None
    assert heads == [b"2.0"]
    assert (rig.updater.name, rig.updater.version) == ("lamp", "2.0")
    assert rig.changes == [STATE, (5, 0, 6), (5, 0, 7), STATE]
    rig.changes.clear()
    rig.updater.set_uri("")
    assert (rig.updater.name, rig.updater.version) == (None, None)
    assert rig.changes == [STATE, (5, 0, 6), (5, 0, 7)]


def test_a_package_that_has_no_name():
    rig = Rig(describe=lambda head: None)
    assert rig.push(PLAIN) is None
    assert (rig.updater.name, rig.updater.version) == (None, None)


@pytest.mark.parametrize(("package", "options"), [(PLAIN, {}), (NEW, {"accept_raw": True})])
def test_a_package_that_the_host_does_not_allow(package, options):
    heads = []
    rig = Rig(allow=heads.append, **options)
    assert rig.push(package) == UNSUPPORTED_FORMAT
    assert rig.says == (0, 6)
    assert len(heads) == 1
    assert (heads[0] is None) == bool(options)
    assert "begin_software_download" not in rig.storage.calls


def test_a_function_of_the_host_that_fails():
    rig = Rig(allow=lambda head: 1 / 0)
    assert rig.push(PLAIN) == INTERNAL
    assert rig.says == (0, 8)
    assert isinstance(rig.failures[0][1], ZeroDivisionError)


def test_update_supported_objects_survives_everything():
    rig = Rig(**KEY)
    assert rig.updater.record.supported_objects is False
    rig.updater.record.supported_objects = True
    rig.push(SIGNED)
    rig.boot()
    rig.update()
    rig.boot()
    assert rig.updater.record.supported_objects is True
    rig.updater.set_uri("")
    rig.boot()
    assert rig.updater.record.supported_objects is True
