"""The fakes of what outlives a restart, and the power cuts in them."""

import pytest

from atiny.errors import ParameterError
from atiny.testing import FakeStorageDevice, FakeStore, PowerCut, check_storage, check_store


def test_the_store_keeps_the_contract():
    store = FakeStore()
    assert len(check_store(lambda: store)) == 6
    assert store.records == {}


@pytest.mark.parametrize("applies", [False, True])
@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (lambda store: store.put("a", b"new"), b"old", b"new"),
        (lambda store: store.delete("a"), b"old", None),
    ],
)
def test_a_power_cut_in_the_store(applies, change, before, after):
    store = FakeStore({"a": b"old"})
    store.cut_applies = applies
    store.put("b", b"1")
    store.cut_power_at(2)
    store.put("b", b"2")
    with pytest.raises(PowerCut):
        change(store)
    for use in (lambda: store.get("a"), lambda: store.put("a", b""), lambda: store.delete("a")):
        with pytest.raises(PowerCut, match="the power is off"):
            use()
    store.restart()
    assert store.get("a") == (after if applies else before)
    assert store.get("b") == b"2"
    store.put("a", b"newer")
    assert store.get("a") == b"newer"


def test_a_power_cut_that_was_taken_back():
    store = FakeStore()
    store.cut_power_at(1)
    store.cut_power_at(None)
    store.put("a", b"x")
    assert store.operations == 1


def test_a_power_cut_is_not_an_exception():
    """`except Exception` in the code under test must not survive it."""
    assert not issubclass(PowerCut, Exception)


@pytest.mark.parametrize("use", [lambda s: s.get("a/b"), lambda s: s.put("", b""), lambda s: s.delete("x" * 65)])
def test_names(use):
    with pytest.raises(ParameterError):
        use(FakeStore())


def test_the_store_keeps_a_copy():
    store = FakeStore()
    data = bytearray(b"abc")
    store.put("a", data)
    data[0] = 0
    assert store.get("a") == b"abc"


# -- the storage of firmware


@pytest.mark.parametrize("activate", [False, True])
def test_the_storage_keeps_the_contract(activate):
    storage = FakeStorageDevice()
    rules = check_storage(lambda: storage, activate=activate)
    assert len(rules) == 11 + 2 * activate


def download(storage, image, chunk=100):
    storage.begin_software_download()
    for offset in range(0, len(image), chunk):
        storage.write_software(offset, image[offset : offset + chunk])
    storage.end_software_download()


def test_an_update():
    storage = FakeStorageDevice(b"old")
    storage.init()
    image = bytes(range(250))
    download(storage, image)
    assert storage.read_software(200, 100) == image[200:]
    storage.active_software()
    assert storage.software == b"old"
    storage.restart()
    assert storage.software == image
    assert storage.get_active_result() is True
    assert storage.calls == [
        "init",
        "begin_software_download",
        "write_software",
        "write_software",
        "write_software",
        "end_software_download",
        "read_software",
        "active_software",
        "get_active_result",
    ]


def test_an_image_that_does_not_boot():
    storage = FakeStorageDevice(b"old")
    storage.boots = False
    download(storage, b"broken")
    storage.active_software()
    storage.restart()
    assert storage.software == b"old"
    assert storage.get_active_result() is False


@pytest.mark.parametrize(
    ("use", "why"),
    [
        (lambda s: s.write_software(1, b"x"), "a gap: 1 is beyond the 0 bytes"),
        (lambda s: s.write_software(0, bytes(65)), "the slot holds 64 bytes"),
        (lambda s: s.active_software(), "no whole image"),
        (lambda s: s.write_update_info(510, b"xyz"), "512 bytes"),
        (lambda s: s.write_update_info(-1, b"x"), "512 bytes"),
    ],
)
def test_what_the_storage_refuses(use, why):
    storage = FakeStorageDevice(capacity=64)
    storage.begin_software_download()
    with pytest.raises(OSError, match=why):
        use(storage)


IMAGE = bytes(range(200))
# The nth changing operation of an update, and what is there after the restart: (software, in the new slot, whole)
CUTS = [
    (1, b"old", b"o", False),  # begin: half of an earlier image is erased
    (2, b"old", IMAGE[:50], False),  # the first write: half of it
    (3, b"old", IMAGE[:150], False),
    (4, b"old", IMAGE, False),  # end
    (5, b"old", IMAGE, True),  # active
]


@pytest.mark.parametrize(("number", "software", "new", "whole"), CUTS)
def test_a_power_cut_in_an_update(number, software, new, whole):
    storage = FakeStorageDevice(b"old")
    storage.new[:] = b"ol"
    storage.cut_power_at(number)
    with pytest.raises(PowerCut):
        update(storage)
    with pytest.raises(PowerCut, match="the power is off"):
        storage.read_software(0, 1)
    storage.restart()
    assert (storage.software, bytes(storage.new), storage.whole) == (software, new, whole)
    assert storage.get_active_result() is False
    update(storage)
    storage.restart()
    assert storage.software == IMAGE
    assert storage.get_active_result() is True


def update(storage):
    download(storage, IMAGE)
    storage.active_software()


def test_a_power_cut_tears_the_update_record():
    storage = FakeStorageDevice()
    storage.write_update_info(0, b"A" * 512)
    storage.cut_power_at(1)
    with pytest.raises(PowerCut, match="in write_update_info"):
        storage.write_update_info(0, b"B" * 512)
    storage.restart()
    assert storage.read_update_info(0, 512) == b"B" * 256 + b"A" * 256
