"""A download that a restart interrupted: gone on with at the last checkpoint, or started over."""

import errno

import pytest

from atiny.fota.build import build
from tests.fota.keys import PRIVATE_PEM
from tests.fota.rig import NEW, SIGNED, URI, Rig, broken_off, completes, image, rig_with

HEAD = len(SIGNED) - len(NEW)
NEWER = image(6000, 3)
SIGNED_NEWER = build(NEWER, key=PRIVATE_PEM)


@pytest.mark.parametrize("blocks", range(1, 11))
def test_it_goes_on_at_the_last_checkpoint(blocks):
    rig = broken_off(blocks=blocks)
    written = rig.updater.record.written
    assert written == max(0, blocks * 512 - HEAD) // 512 * 512 or 512 * blocks - HEAD - written < 1024
    assert rig.updater.done == written
    assert rig.updater.record.total == len(SIGNED)
    served = rig.files.served
    rig.run()
    if written:
        assert rig.files.opened == [(0, None), (0, None), (HEAD + written, b"\x01")]
        assert rig.files.served - served == 512 + len(SIGNED) - HEAD - written
    else:
        assert rig.files.opened == [(0, None), (0, None)]
    completes(rig)


@pytest.mark.parametrize("block", [1, 15, 16, 1024, 4096, 100_000])
def test_in_any_blocks_and_through_many_restarts(block):
    rig = rig_with(checkpoint=256)
    rig.files.block = block
    rig.updater.set_uri(URI)
    for _ in range(100):
        rig.run(blocks=max(2, 1200 // block))
        if rig.updater.record.state == 2:
            break
        done = rig.updater.record.written
        assert rig.boot() == (1, 0)
        assert rig.updater.record.written == done
    completes(rig)


def test_what_the_host_is_told_of_after_a_restart_does_not_go_back():
    rig = broken_off()
    assert rig.told == [(1, 0, rig.updater.record.written, len(SIGNED))]
    rig.run()
    done = [event[2] for event in rig.told]
    assert done == sorted(done)
    assert rig.told[-1] == (2, 0, len(SIGNED), len(SIGNED))


def test_a_large_image_is_read_back_in_steps():
    content = image(300_000)
    rig = rig_with(checkpoint=65536)
    rig.files.content[URI] = (build(content, key=PRIVATE_PEM), b"\x01")
    rig.files.block = 4096
    broken_off(rig, 60)
    rig.timer()
    rig.files.pump()
    steps = 0
    while len(rig.files.opened) < 3:
        assert rig.updater.deadline() <= rig.clock.ms
        before = rig.storage.calls.count("read_software")
        rig.timer()
        assert rig.storage.calls.count("read_software") - before <= 16
        steps += 1
    assert steps >= 3
    assert rig.files.opened[-1][0] > 196_608
    completes(rig, content)


@pytest.mark.parametrize("blocks", [3, 7])
def test_another_image_at_the_uri_is_started_over(blocks):
    rig = broken_off(blocks=blocks)
    rig.files.content[URI] = (SIGNED_NEWER, b"\x02")
    completes(rig, NEWER)
    assert rig.files.opened == [(0, None), (0, None)]
    assert rig.files.served == blocks * 512 + len(SIGNED_NEWER)


def test_another_image_under_the_same_etag_is_started_over_too():
    rig = broken_off()
    rig.files.content[URI] = (SIGNED_NEWER, b"\x01")
    completes(rig, NEWER)


def test_an_image_that_changes_after_the_head_was_got_again():
    rig = broken_off()
    rig.run(blocks=1)
    rig.files.content[URI] = (SIGNED_NEWER, b"\x02")
    completes(rig, NEWER)
    assert len(rig.files.opened) == 3


def test_a_server_that_cannot_go_on_starts_over():
    rig = broken_off()
    rig.files.resumes = False
    completes(rig)


@pytest.mark.parametrize("options", [{}, {"key": None, "accept_raw": True}])
def test_a_server_without_etags_starts_over(options):
    rig = rig_with()
    rig.options.update(options)
    rig.boot()
    rig.files.content[URI] = (SIGNED if not options else NEW, None)
    broken_off(rig)
    completes(rig)
    assert rig.files.opened == [(0, None), (0, None)]


@pytest.mark.parametrize("announces", [True, False])
@pytest.mark.parametrize("blocks", [1, 3, 7])
def test_a_raw_image_goes_on_as_well(blocks, announces):
    rig = Rig(accept_raw=True, checkpoint=512)
    rig.files.content[URI] = (NEW, b"\x01")
    rig.files.announces = announces
    broken_off(rig, blocks)
    rig.run()
    # The first block tells that it is raw; where that is all there was, what follows is next anyway.
    later = [(blocks * 512, b"\x01")] if blocks > 1 else []
    assert rig.files.opened == [(0, None), (0, None)] + later
    completes(rig)


@pytest.mark.parametrize("error", [NotImplementedError(), OSError(errno.EIO, "worn out")])
def test_a_storage_that_cannot_be_read_starts_over(error):
    rig = broken_off()
    written = rig.updater.record.written

    def fails(offset, length):
        raise error

    rig.storage.read_software = fails
    rig.run()
    assert rig.says == (2, 0)
    assert rig.files.opened == [(0, None), (0, None), (0, None)]
    assert written
    del rig.storage.read_software
    completes(rig)


def test_a_storage_that_has_less_than_the_record_says_starts_over():
    rig = broken_off()
    del rig.storage.new[1000:]
    completes(rig)


def test_what_rotted_in_the_storage_is_found():
    rig = broken_off()
    rig.storage.new[2000] ^= 1
    rig.run()
    assert rig.says == (0, 5)
    rig = broken_off()
    rig.storage.new[5] ^= 1  # in what came with the head again, and was not read
    rig.run()
    assert rig.says == (2, 0)
    rig.update()
    assert rig.says == (0, 5)
    assert "active_software" not in rig.storage.calls


def test_a_uri_that_was_too_long_to_be_kept():
    uri = URI + "?" + "x" * (255 - len(URI) - 1)
    rig = rig_with()
    rig.files.content[uri] = (SIGNED, b"\x01")
    assert rig.pull(uri, blocks=7) == (1, 0)
    assert rig.boot() == (0, 4)
    assert rig.pull(uri) == (2, 0)
    assert rig.updater.record.uri == uri
    rig.boot()
    assert rig.updater.record.uri == ""
    completes(rig)


def test_a_source_that_is_gone_after_a_restart():
    rig = rig_with()
    assert rig.pull(blocks=7) == (1, 0)
    rig.files.schemes = ()
    assert rig.boot() == (0, 9)
