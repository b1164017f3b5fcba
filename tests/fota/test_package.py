"""Packages: what is good, what is refused, and that no cut of the input makes a difference."""

import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import example, given, settings, strategies as st

from atiny.errors import AtinyError, ParameterError
from atiny.fota import signature
from atiny.fota.build import build, read_head
from atiny.fota.machine import INTEGRITY, UNSUPPORTED_PACKAGE
from atiny.fota.options import FirmwareOptions
from atiny.fota.package import FULL, MAX_HEAD, PackageError, PackageReader
from atiny.fota.signature import verify_plainly
from tests.fota.keys import PRIVATE, PRIVATE_PEM, PUBLIC_PEM, private_pem
from tests.fota.vectors_package import GOOD, IMAGE, KEYED, PACKAGES, PLAIN, RAW, SIGNED, package
from tests.fota.vectors_signature import KEY, PKCS1, SPKI

NAMES = [row[0] for row in PACKAGES]
ROWS = [row[1:] for row in PACKAGES]


def read(data, sizes=(), form=bytes, **options):
    """(result, text, image, reader) of a package that is fed in pieces of these sizes, and the rest at once."""
    reader = PackageReader(FirmwareOptions(**options))
    image = bytearray()
    at = 0
    try:
        for size in [*sizes, len(data)]:
            assert reader.stored == len(image)
            assert reader.fed == at
            image += reader.feed(form(data[at : at + size]))
            at = min(at + size, len(data))
        reader.finish()
    except PackageError as error:
        return error.result, error.text, bytes(image), reader
    return GOOD, "", bytes(image), reader


@pytest.mark.parametrize(("options", "data", "result", "why"), ROWS, ids=NAMES)
def test_packages(options, data, result, why):
    found, text, image, reader = read(data, **options)
    assert (found, why in text) == (result, True), text
    if result == GOOD:
        assert image == data[reader.head_len :]
        assert reader.stored == len(image)
        assert reader.fed == len(data)


@pytest.mark.parametrize(("options", "data", "result", "why"), ROWS, ids=NAMES)
@pytest.mark.parametrize("size", [1, 7, 12, 13, 48, 300])
def test_packages_in_pieces(size, options, data, result, why):
    sizes = [size] * (len(data) // size)
    found = read(data, sizes, **options)
    once = read(data, **options)
    assert found[:2] == once[:2]
    if result == GOOD:
        assert found[2] == once[2]


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
@pytest.mark.parametrize(("options", "data"), [({}, PLAIN), (KEYED, SIGNED), (RAW, IMAGE)])
def test_bytes_of_any_kind(form, options, data):
    result, text, image, reader = read(data, [3, 40, 100], form, **options)
    assert (result, image) == (GOOD, data[reader.head_len :])


MUTATIONS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), max_size=3
)  # where, how many bytes go, what comes in their place


@given(
    row=st.sampled_from([row for row in ROWS if row[2] == GOOD]),
    changes=MUTATIONS,
    cuts=st.lists(st.integers(0, 60), max_size=20),
)
@settings(max_examples=600, deadline=None)
def test_any_cut_gives_the_same(row, changes, cuts):
    """Of packages with a few bytes changed, left out or put in, too. They are refused, never with another exception."""
    options, data = row[:2]
    for at, gone, new in changes:
        data = data[:at] + new + data[at + gone :]
    result, text, image, reader = read(data, **options)
    other, its_text, its_image, its_reader = read(data, cuts, **options)
    assert (other, its_text) == (result, text)
    if result == GOOD:
        assert image == its_image == data[reader.head_len :]
        assert vars(its_reader.head) if its_reader.head else its_reader.raw
    elif data != row[1]:
        assert result in (INTEGRITY, UNSUPPORTED_PACKAGE)
    assert (its_reader.head_len, its_reader.raw) == (reader.head_len, reader.raw)


@given(
    start=st.binary(max_size=40),
    rest=st.binary(max_size=60),
    cuts=st.lists(st.integers(0, 9), max_size=20),
    options=st.sampled_from([{}, KEYED, RAW, {**RAW, "digest": bytes(32)}]),
)
@example(b"\x00\x00\x00\x00\x00\x00\x00\x0c\x00\x00\x00\x0d", b"!", [], {})
@settings(max_examples=400, deadline=None)
def test_anything_at_all(start, rest, cuts, options):
    for data in (start + rest, b"\x00\x00\x00\x00\x00\x00" + start + rest, b"\x00\x00\x00\x00\x00\x00\x00\x30" + start):
        result, text, image, reader = read(data, **options)
        assert read(data, cuts, **options)[:2] == (result, text)
        assert result in (INTEGRITY, UNSUPPORTED_PACKAGE) or (reader.raw and image == data)


# one wrong bit


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("library", [True, False], ids=["cryptography", "plain"])
def test_any_single_bit_of_a_signed_package(library, every, monkeypatch):
    """Each third of them, and all in the slow run, in head and image: result 5."""
    if not library:
        monkeypatch.setattr(signature, "verify", verify_plainly)
    good = SIGNED
    assert read(good, **KEYED)[0] == GOOD
    tried = 0
    for bit in range(0, len(good) * 8, every):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        result, text, image, reader = read(bytes(flipped), **KEYED)
        assert result == INTEGRITY, (bit, text)
        tried += 1
    print(f"{tried} single bits of a signed package flipped: each refused with result 5")
    assert tried >= 2000


def test_any_single_bit_of_an_unsigned_package():
    good = package((1, None), (4, 4), (100, b"v2"), image=b"image")
    for bit in range(len(good) * 8):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        assert read(bytes(flipped))[0] == INTEGRITY, bit


def test_a_wrong_bit_in_a_type_that_is_checked_is_another_type():
    flipped = bytearray(SIGNED)
    at = SIGNED.index(b"\x00\x04\x00\x04\x00\x00\x00\x01") + 4
    flipped[at] ^= 1
    assert read(bytes(flipped), types=(1,), **KEYED)[0] == UNSUPPORTED_PACKAGE


# the reader


def test_what_the_reader_says():
    reader = PackageReader(FirmwareOptions(key=KEY))
    assert (reader.head, reader.head_len, reader.total, reader.fed, reader.stored) == (
        None, 0, None, 0, 0,
    )  # fmt: skip
    head_len = len(SIGNED) - len(IMAGE)
    assert reader.feed(SIGNED[:100]) == b""
    assert (reader.fed, reader.stored, reader.total) == (100, 0, len(SIGNED))
    assert reader.head is None
    assert reader.feed(SIGNED[100 : head_len + 5]) == IMAGE[:5]
    assert (reader.fed, reader.stored, reader.head_len) == (head_len + 5, 5, head_len)
    head = reader.head
    assert (head.data, head.total, head.type, head.checksum_type) == (SIGNED[:head_len], len(SIGNED), 1, 3)
    assert head.own == ((100, b"v2"), (200, b""))
    assert [head.own_value(kind) for kind in (100, 200, 101, 4)] == [b"v2", b"", None, None]
    assert head.checksum == SIGNED[16:272]
    assert not reader.raw
    piece = IMAGE[5:]
    assert reader.feed(piece) is piece  # not copied
    reader.finish()
    reader.finish()


def test_a_raw_image():
    reader = PackageReader(FirmwareOptions(accept_raw=True))
    assert reader.feed(b"\x00\x00\x00") == b""
    assert (reader.fed, reader.stored, reader.raw) == (3, 0, False)
    assert reader.feed(b"\x00\x00\x01") == b"\x00\x00\x00\x00\x00\x01"
    assert (reader.fed, reader.stored, reader.raw) == (6, 6, True)
    assert (reader.head, reader.head_len, reader.total) == (None, 0, None)
    reader.finish()


@pytest.mark.parametrize("cut", [0, 1, 5, len(IMAGE)])
def test_what_was_stored_is_taken_from_there(cut):
    """A later life: the head again, then the image as it was read back, then the rest."""
    head_len = len(SIGNED) - len(IMAGE)
    head = read_head(SIGNED)
    reader = PackageReader(FirmwareOptions(key=KEY))
    assert reader.feed(head.data) == b""
    reader.feed(IMAGE[:cut][:3])
    reader.feed(IMAGE[:cut][3:])
    assert (reader.fed, reader.stored) == (head_len + cut, cut)
    reader.feed(IMAGE[cut:])
    reader.finish()
    reader = PackageReader(FirmwareOptions(key=KEY))
    reader.feed(head.data)
    reader.feed(b"other")
    reader.feed(IMAGE[5:])
    with pytest.raises(PackageError, match="the signature is wrong"):
        reader.finish()


def test_a_raw_image_that_was_stored():
    reader = PackageReader(FirmwareOptions(accept_raw=True, digest=sha256(IMAGE[3:]).digest()))
    reader.feed(IMAGE[3:100])
    reader.feed(IMAGE[100:])
    reader.finish()


def test_what_is_refused_stays_refused():
    reader = PackageReader(FirmwareOptions(key=KEY))
    with pytest.raises(PackageError) as first:
        reader.feed(b"\x7fELF" * 4)
    for again in (lambda: reader.feed(SIGNED), lambda: reader.feed(b""), reader.finish):
        with pytest.raises(PackageError) as caught:
            again()
        assert (caught.value.result, caught.value.text) == (first.value.result, first.value.text)
    reader = PackageReader(FirmwareOptions(key=KEY))
    reader.feed(SIGNED[:-1])
    with pytest.raises(PackageError):
        reader.finish()
    with pytest.raises(PackageError, match="bytes came"):
        reader.feed(SIGNED[-1:])
    assert issubclass(PackageError, AtinyError)


def test_refused_as_soon_as_it_is_clear():
    for options, data, text, at in (
        ({}, b"\x7fELF" + bytes(8), "not a firmware package", 12),
        (KEYED, PLAIN, "not signed", 48),
        ({"types": (1,)}, PLAIN, "type 0", 48),
        ({}, PLAIN + b"!", "longer", len(PLAIN) + 1),
    ):
        reader = PackageReader(FirmwareOptions(**options))
        for byte in data[: at - 1]:
            reader.feed(bytes([byte]))
        with pytest.raises(PackageError, match=text):
            reader.feed(data[at - 1 : at])


def test_no_more_than_the_head_is_held():
    """16 MiB behind the longest head, with 8 KiB to hold them."""
    size = 1 << 24
    head_len = MAX_HEAD
    block = bytes(1024)
    reader = PackageReader(FirmwareOptions())
    start = package((1, 32), (100, head_len - 12 - 36 - 4), image=b"", total=head_len + size)
    tracemalloc.start()
    try:
        for at in range(0, head_len, 100):
            reader.feed(start[at : min(at + 100, head_len)])
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(size // 1024):
            reader.feed(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reader.stored == size
    assert held < 3 * MAX_HEAD  # the head, and the one value in it
    assert peak < held + 1024


@pytest.mark.parametrize("key", [KEY, SPKI, PKCS1, PUBLIC_PEM])
def test_the_key_in_each_form(key):
    assert read(SIGNED, key=key)[0] == GOOD


@pytest.mark.parametrize(
    "options",
    [
        {"key": PRIVATE_PEM},
        {"key": (3, 5)},
        {"key": KEY, "accept_raw": True},
        {"digest": b""},
        {"digest": bytes(31)},
        {"digest": "00" * 32},
    ],
)
def test_options_that_cannot_be_meant(options):
    with pytest.raises(ParameterError):
        PackageReader(FirmwareOptions(**options))


# build


@pytest.mark.parametrize("kind", [None, FULL, 1, 0xFFFFFFFF])
@pytest.mark.parametrize("tlvs", [(), [(100, b"v2"), (100, b""), (65535, bytes(500))]])
@pytest.mark.parametrize("key", [None, PRIVATE_PEM], ids=["plain", "signed"])
def test_what_is_built_is_read(key, tlvs, kind):
    made = build(IMAGE, key=key, type=kind, tlvs=tlvs)
    result, text, image, reader = read(made, key=key and KEY)
    assert (result, image) == (GOOD, IMAGE)
    assert (reader.head.type, list(reader.head.own)) == (kind, list(tlvs))
    assert reader.total == len(made)


def test_the_bytes_of_a_package():
    """By hand, from the format: version, head_len, total_len, then the TLVs."""
    made = build(b"image", type=1, tlvs=[(258, b"\xab")])
    zeroed = bytes.fromhex("000000000000003d000000420001 0020" + "00" * 32 + "0004 0004 000000010102 0001 ab")
    assert made[:16] == zeroed[:16]
    assert made[48:] == zeroed[48:] + b"image"
    assert made[16:48] == sha256(zeroed + b"image").digest()


def test_signed_with_an_encrypted_key():
    made = build(IMAGE, key=private_pem(PRIVATE, b"secret"), password=b"secret")
    assert read(made, **KEYED)[0] == GOOD


@pytest.mark.parametrize(
    ("image", "options", "why"),
    [
        (b"", {}, "1 byte to 4 GiB"),
        (IMAGE, {"type": -1}, "binary type"),
        (IMAGE, {"type": 1 << 32}, "binary type"),
        (IMAGE, {"tlvs": [(99, b"")]}, "100 to 65535"),
        (IMAGE, {"tlvs": [(65536, b"")]}, "100 to 65535"),
        (IMAGE, {"tlvs": [(100, bytes(4096 - 12 - 36 - 3))]}, "4096 bytes, this one 4097"),
        (IMAGE, {"tlvs": [(100, bytes(70000))]}, "at most 4096"),
        (IMAGE, {"key": SPKI}, "no private key"),
    ],
)
def test_what_cannot_be_built(image, options, why):
    with pytest.raises(ParameterError, match=why):
        build(image, **options)


def test_the_longest_head_is_built():
    made = build(IMAGE, tlvs=[(100, bytes(4096 - 12 - 36 - 4))])
    assert len(read_head(made).data) == MAX_HEAD


@pytest.mark.parametrize(
    ("start", "result"),
    [(b"", INTEGRITY), (b"\x7fELF", UNSUPPORTED_PACKAGE), (PLAIN[:47], INTEGRITY), (IMAGE[3:], UNSUPPORTED_PACKAGE)],
)
def test_no_head_to_read(start, result):
    with pytest.raises(PackageError) as caught:
        read_head(start)
    assert caught.value.result == result


def test_read_head():
    assert read_head(SIGNED).own == read_head(SIGNED[: len(SIGNED) - len(IMAGE)]).own == ((100, b"v2"), (200, b""))
