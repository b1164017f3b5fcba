"""The updater and its downloads: begun, gone on with after a restart, started over, ended."""

import errno

import pytest

from tests.fota.rig import NEW, OLD, PLAIN, SIGNED, URI, Files, broken_off, completes, rig_with

STATE = (5, 0, 3)
RESULT = (5, 0, 5)
HEAD = len(SIGNED) - len(NEW)


def test_a_pull_an_update_and_the_start_after_it():
    rig = rig_with()
    rig.updater.set_uri(URI)
    assert rig.says == (1, 0)
    assert rig.files.opened == []  # the server has its answer first
    assert rig.updater.record.uri == URI
    assert rig.updater.deadline() <= rig.clock.ms
    rig.run()
    assert rig.says == (2, 0)
    assert rig.files.opened == [(0, None)]
    assert rig.updater.deadline() is None
    assert rig.updater.record.uri == URI
    rig.boot()
    assert rig.updater.record.uri == URI
    completes(rig)
    assert rig.updater.record.uri == ""


def test_what_is_observed_and_told():
    rig = rig_with(describe=lambda head: ("lamp", "2"))
    size = len(SIGNED)
    assert rig.pull() == (2, 0)
    assert rig.told[0] == (1, 0, 0, None)
    assert rig.told[1] == (1, 0, 512, size)
    assert rig.told[-1] == (2, 0, size, size)
    assert [done for _, _, done, _ in rig.told] == sorted(done for _, _, done, _ in rig.told)
    assert rig.changes == [STATE, (5, 0, 6), (5, 0, 7), STATE]
    rig.changes.clear()
    rig.updater.set_uri("")
    assert rig.changes == [STATE, (5, 0, 1), (5, 0, 6), (5, 0, 7)]


# -- on the way


def test_a_lost_link_is_gone_on_from_where_it_was():
    rig = rig_with(retry_min_s=5)
    rig.pull(blocks=4)
    rig.files.transfers[-1].fail()
    assert rig.says == (1, 0)
    assert rig.updater.deadline() >= rig.clock.ms + 5000
    rig.run()
    assert rig.files.opened == [(0, None), (2048, b"\x01")]
    completes(rig)


def test_a_link_that_is_lost_before_anything_came():
    rig = rig_with()
    rig.updater.set_uri(URI)
    rig.timer()
    rig.files.transfers[-1].fail()
    completes(rig)


@pytest.mark.parametrize("blocks", [0, 4])
def test_a_link_that_does_not_come_back(blocks):
    rig = rig_with(tries=3)
    rig.updater.set_uri(URI)
    rig.run(blocks)
    pump = rig.files.pump
    rig.files.pump = lambda: [transfer.fail() for transfer in rig.files.transfers if not transfer.over]
    rig.run()
    assert rig.says == (0, 4)
    # The first try that failed after progress counts as well.
    assert len(rig.files.opened) == 3
    assert rig.updater.deadline() is None
    assert rig.boot() == (0, 4)
    rig.files.pump = pump
    assert rig.pull() == (2, 0)


@pytest.mark.parametrize("block", [512, 2048])
def test_every_checkpoint_is_at_least_so_far_from_the_last(block):
    rig = rig_with(checkpoint=1024)
    rig.files.block = block
    saved = []
    save = rig.updater.record.save

    def record_save():
        saved.append(rig.updater.record.written)
        save()

    rig.updater.record.save = record_save
    rig.pull()
    inner = saved[2:-2]
    assert len(inner) >= 2
    assert all(b - a >= 1024 for a, b in zip(inner, inner[1:], strict=False))


# -- results


@pytest.mark.parametrize("uri", ["x", "lamp.bin", "://files/x", "coap://", "coap:///x", "coap://files/a b", "coap:/x"])
def test_an_invalid_uri(uri):
    rig = rig_with()
    assert rig.pull(uri) == (0, 7)
    assert rig.changes == [RESULT]
    assert rig.told == [(0, 7, 0, None)]
    assert rig.boot() == (0, 7)
    assert rig.pull() == (2, 0)


def test_a_file_that_is_not_there():
    rig = rig_with()
    assert rig.pull(URI + "x") == (0, 7)
    assert rig.updater.record.uri == ""


@pytest.mark.parametrize("scheme", ["ftp", "http", "coaps+tcp"])
def test_an_unsupported_protocol(scheme):
    rig = rig_with()
    assert rig.pull(scheme + "://files/x") == (0, 9)
    assert rig.updater.deadline() is None
    assert rig.pull("COAP" + URI[4:]) == (0, 7)  # the scheme is known, whatever its case


@pytest.mark.parametrize(("uri", "result"), [(URI, 9), ("lamp.bin", 9), ("", 0)])
def test_a_device_to_which_packages_are_pushed_only(uri, result):
    rig = rig_with(sources=None)
    assert rig.updater.sources is None
    assert rig.pull(uri) == (0, result)
    assert rig.push(SIGNED) is None
    assert rig.says == (2, 0)


@pytest.mark.parametrize(
    ("package", "result"),
    [(PLAIN, 5), (SIGNED[:-1] + b"?", 5), (SIGNED[:-1], 5), (SIGNED + b"?", 5), (NEW, 6), (b"", 5), (b"\0", 5)],
)
@pytest.mark.parametrize("announces", [True, False])
def test_a_package_that_is_not_good(package, result, announces):
    rig = rig_with()
    rig.files.announces = announces
    rig.files.content[URI] = (package, b"\x01")
    assert rig.pull() == (0, result)
    assert rig.files.transfers[-1].over
    assert rig.storage.software == OLD
    assert rig.boot() == (0, result)


@pytest.mark.parametrize("lie", [-1, 1, -3000, 3000])
def test_a_file_that_is_not_as_long_as_announced(lie):
    rig = rig_with()
    rig.files.lie = lie
    assert rig.pull() == (0, 5)
    assert len(rig.files.opened) == 2  # it may have been exchanged just now
    rig.files.lie = 0
    assert rig.pull() == (2, 0)


@pytest.mark.parametrize(
    ("error", "result"), [(OSError(errno.ENOSPC, "full"), 2), (MemoryError(), 3), (OSError(errno.EIO, "worn out"), 8)]
)
@pytest.mark.parametrize("method", ["begin_software_download", "write_software", "end_software_download"])
def test_a_storage_that_fails(method, error, result):
    rig = rig_with()

    def fails(*args):
        raise error

    setattr(rig.storage, method, fails)
    assert rig.pull() == (0, result)
    assert rig.files.transfers[-1].over
    assert bool(rig.failures) == (result != 2)
    assert rig.updater.deadline() is None


def test_a_checkpoint_that_cannot_be_written():
    rig = rig_with()
    rig.pull(blocks=2)

    def fails(offset, data):
        raise OSError(errno.EIO, "worn out")

    rig.storage.write_update_info = fails
    rig.run()
    assert rig.says == (0, 8)
    assert rig.files.transfers[-1].over


def test_a_source_that_goes_on_where_it_was_not_asked_to():
    rig = rig_with()
    rig.updater.set_uri(URI)
    rig.timer()
    rig.files.transfers[-1].receiver.begin(b"\x01", 5000, 100)
    assert rig.updater.record.state == 0
    assert rig.files.transfers[-1].over


# -- in between


def test_a_reset_ends_the_transfer():
    rig = rig_with()
    rig.pull(blocks=4)
    rig.updater.set_uri("")
    assert rig.says == (0, 0)
    assert rig.files.transfers[-1].over
    assert rig.updater.deadline() is None
    assert rig.updater.record.uri == ""
    assert rig.boot() == (0, 0)
    assert rig.pull() == (2, 0)


def test_a_reset_while_what_is_stored_is_read_back():
    rig = broken_off()
    rig.run(blocks=1)
    rig.updater.set_uri("")
    rig.run()
    assert rig.says == (0, 0)
    assert rig.pull() == (2, 0)


def test_a_push_or_another_uri_during_a_pull():
    rig = rig_with()
    rig.pull(blocks=4)
    assert rig.push(SIGNED) == 0x85
    assert rig.refused(rig.updater.set_uri, URI) == 0x85
    assert rig.refused(rig.updater.update) == 0x85
    completes(rig)


@pytest.mark.parametrize("blocks", [0, 4])
def test_without_a_network_nothing_is_tried(blocks):
    rig = rig_with()
    if not blocks:
        rig.go_offline()
    rig.updater.set_uri(URI)
    rig.run(blocks or None)
    rig.go_offline()
    rig.run()
    assert rig.says == (1, 0)
    assert rig.updater.deadline() is None
    assert all(transfer.over for transfer in rig.files.transfers)
    opened = len(rig.files.opened)
    rig.go_online()
    assert rig.updater.deadline() == rig.clock.ms
    rig.timer()
    assert len(rig.files.opened) == opened + 1
    completes(rig)


def test_without_a_network_while_what_is_stored_is_read_back():
    rig = broken_off()
    rig.run(blocks=1)
    rig.go_offline()
    rig.run()
    assert len(rig.files.opened) == 2
    rig.go_online()
    completes(rig)
    assert rig.files.opened[-1][0] > HEAD


def test_online_before_the_first_try_is_one_try():
    rig = rig_with()
    rig.updater.set_uri(URI)
    rig.go_online()
    rig.timer()
    assert len(rig.files.opened) == 1
    completes(rig)


def test_a_device_that_is_stopped_and_started():
    rig = rig_with()
    rig.pull(blocks=7)
    rig.updater.stop()
    assert rig.files.transfers[-1].over
    rig.updater.start()
    assert rig.says == (1, 0)
    completes(rig)


def test_sources_of_the_agent_come_besides_those_of_the_host():
    rig = rig_with()
    more = Files()
    more.schemes = ("http",)
    more.content["http://files/x"] = (SIGNED, None)
    rig.updater.sources.append(more)
    rig.updater.set_uri("http://files/x")
    rig.timer()
    while more.pump():
        pass
    assert rig.says == (2, 0)
