"""Packages, good and hostile, made by hand: `PACKAGES`, and what a reader must say of each."""

from hashlib import sha256
from struct import pack

from atiny.fota.machine import INTEGRITY, UNSUPPORTED_PACKAGE
from tests.fota.vectors_signature import KEY, D, N, encode, raw

IMAGE = bytes(range(256)) * 3 + b"the end"
IMAGE_DIGEST = sha256(IMAGE).digest()
SALT = b"salt" * 8
GOOD = 0


def package(*tlvs, image=IMAGE, version=0, head_len=None, total=None, d=D, after=b"") -> bytes:
    """A package of (type, value) pairs and plain bytes. A value None is the checksum, if it is of type 1 or 3, and is
    right; one that is a number is its length, and the value is zeros."""
    sizes = {1: 32, 3: 256}
    head = b""
    places = []
    for tlv in tlvs:
        if type(tlv) is bytes:
            head += tlv
            continue
        kind, value = tlv
        if value is None:
            places.append((kind, 12 + len(head) + 4))
            value = b"\x00" * sizes[kind]
        elif type(value) is int:
            value = b"\x00" * value
        head += pack(">HH", kind, len(value)) + value
    real = 12 + len(head)
    start = pack(">III", version, real if head_len is None else head_len, real + len(image) if total is None else total)
    whole = bytearray(start + head + image)
    digest = sha256(whole).digest()
    for kind, at in places:
        value = digest if kind == 1 else raw(pow(int.from_bytes(encode(SALT, digest), "big"), d, N))
        whole[at : at + len(value)] = value
    return bytes(whole) + after


SHA = (1, None)
PSS = (3, None)
PLAIN = package(SHA)
SIGNED = package(PSS, (4, b"\x00\x00\x00\x01"), (100, b"v2"), (200, b""))
WRONG_KEY = package(PSS, d=D - 2)
KEYED = {"key": KEY}
RAW = {"accept_raw": True}

# (name, options of the reader, what it is fed, result, a part of the text)
PACKAGES: list = [
    ("a SHA-256", {}, PLAIN, GOOD, ""),
    ("a signature", KEYED, SIGNED, GOOD, ""),
    ("an image of one byte", {}, package(SHA, image=b"x"), GOOD, ""),
    ("a head of 4096 bytes", {}, package(SHA, (100, 4096 - 12 - 36 - 4)), GOOD, ""),
    ("the checksum last", {}, package((65535, b"a"), (4, 4), SHA), GOOD, ""),
    ("the maker's own, repeated", {}, package((100, b"a"), SHA, (100, b"b"), (100, b"")), GOOD, ""),
    ("an accepted type", {"types": (1, 7)}, package(SHA, (4, b"\x00\x00\x00\x07")), GOOD, ""),
    ("no type is type 0", {"types": (0,)}, PLAIN, GOOD, ""),
    ("the expected image", {"digest": IMAGE_DIGEST}, PLAIN, GOOD, ""),
    ("the expected image, signed", {**KEYED, "digest": IMAGE_DIGEST}, SIGNED, GOOD, ""),
    ("a package where raw ones pass", RAW, PLAIN, GOOD, ""),
    ("raw", RAW, IMAGE, GOOD, ""),
    ("raw, one byte", RAW, b"\x7f", GOOD, ""),
    ("raw, the expected", {**RAW, "digest": sha256(b"\x7fELF").digest()}, b"\x7fELF", GOOD, ""),
    ("raw, zeros and then more", RAW, bytes(4) + b"\x08\x00\x01\x01" + IMAGE, GOOD, ""),
    ("raw, zeros for a head length", RAW, bytes(100), GOOD, ""),
    ("raw, a head length too long by one", RAW, pack(">II", 0, 4097) + IMAGE, GOOD, ""),
    ("raw, whatever types are accepted", {**RAW, "types": (1,)}, IMAGE, GOOD, ""),
    # no package
    ("no package", {}, IMAGE[3:], UNSUPPORTED_PACKAGE, "not a firmware package"),
    ("no package, with a key", KEYED, b"\x7fELF" + IMAGE, UNSUPPORTED_PACKAGE, "not a firmware package"),
    ("no package, and short", {}, b"\x7fELF", UNSUPPORTED_PACKAGE, "ends within its head"),
    ("another type", {"types": (1, 7)}, package(SHA, (4, 4)), UNSUPPORTED_PACKAGE, "type 0 is not accepted"),
    ("no type, where 0 is not accepted", {"types": (1,)}, PLAIN, UNSUPPORTED_PACKAGE, "type 0 is not accepted"),
    ("no type is accepted", {"types": ()}, PLAIN, UNSUPPORTED_PACKAGE, "type 0 is not accepted"),
    # what does not add up
    ("nothing", {}, b"", INTEGRITY, "ends within its head"),
    ("nothing, raw", RAW, b"", INTEGRITY, "ends within its head"),
    ("four zeros, raw", RAW, bytes(4), INTEGRITY, "ends within its head"),
    ("version 1", {}, package(SHA, version=1), INTEGRITY, "version 1"),
    ("version 2 ** 31, with a key", KEYED, package(PSS, version=1 << 31), INTEGRITY, "version 2147483648"),
    ("a head of 11 bytes", {}, package(SHA, head_len=11), INTEGRITY, "a head of 11 bytes"),
    ("a head of none", {}, package(SHA, head_len=0), INTEGRITY, "a head of 0 bytes"),
    ("a head of 4097 bytes", {}, package(SHA, (100, 4097 - 12 - 36 - 4)), INTEGRITY, "a head of 4097 bytes"),
    ("a head of 4 GiB", {}, package(SHA, head_len=0xFFFFFFFF, total=0xFFFFFFFF), INTEGRITY, "a head of 4294967295"),
    ("a total of none", {}, package(SHA, total=0), INTEGRITY, "in a package of 0"),
    ("no image", {}, package(SHA, image=b""), INTEGRITY, "a head of 48 bytes in a package of 48"),
    ("a total within the head", RAW, package(SHA, total=47), INTEGRITY, "in a package of 47"),
    ("a head without anything", {}, package(head_len=12), INTEGRITY, "no checksum"),
    ("no checksum", {}, package((4, 4), (100, 40)), INTEGRITY, "no checksum"),
    ("no checksum, with a key", KEYED, package((4, 4), (100, 40)), INTEGRITY, "no checksum"),
    ("no checksum where raw ones pass", RAW, package((4, 4)), INTEGRITY, "no checksum"),
    ("a head that cuts a type", {}, package(SHA, b"\x00"), INTEGRITY, "ends within a TLV"),
    ("a head that cuts a length", {}, package(SHA, b"\x00\x64\x00"), INTEGRITY, "ends within a TLV"),
    ("a head that cuts a value", {}, package(SHA, b"\x00\x64\x00\x03ab"), INTEGRITY, "TLV 100 is longer"),
    ("a length of 65535", {}, package(SHA, b"\x00\x64\xff\xff"), INTEGRITY, "TLV 100 is longer"),
    ("a checksum cut short", {}, package((1, 31), b"\x00"), INTEGRITY, "TLV 1 has 31 bytes instead of 32"),
    ("a checksum too long", {}, package((1, 33)), INTEGRITY, "TLV 1 has 33 bytes"),
    ("an empty checksum", {}, package((1, 0)), INTEGRITY, "TLV 1 has 0 bytes"),
    ("a signature cut short", KEYED, package((3, 255)), INTEGRITY, "TLV 3 has 255 bytes"),
    ("a type cut short", {}, package(SHA, (4, 3)), INTEGRITY, "TLV 4 has 3 bytes"),
    ("a type too long", {}, package(SHA, (4, 8)), INTEGRITY, "TLV 4 has 8 bytes"),
    ("two checksums of a kind", {}, package(SHA, (1, 32)), INTEGRITY, "TLV 1 comes twice"),
    ("two signatures", KEYED, package(PSS, (3, 256)), INTEGRITY, "TLV 3 comes twice"),
    ("two types", {}, package(SHA, (4, 4), (4, 4)), INTEGRITY, "TLV 4 comes twice"),
    ("a checksum and a signature", KEYED, package(PSS, (1, 32)), INTEGRITY, "two checksums"),
    ("a signature and a checksum", {}, package(SHA, (3, 256)), INTEGRITY, "two checksums"),
    *((f"TLV {n}", {}, package(SHA, (n, 4)), INTEGRITY, f"TLV {n} is unknown") for n in (0, 2, 5, 99)),
    # what is not proven
    ("no signature", KEYED, PLAIN, INTEGRITY, "not signed"),
    ("a signature without a key", {}, SIGNED, INTEGRITY, "no key"),
    ("a signature without a key, where raw ones pass", RAW, SIGNED, INTEGRITY, "no key"),
    ("another's signature", KEYED, WRONG_KEY, INTEGRITY, "signature is wrong"),
    ("a signature for another key", {"key": (N, 3)}, SIGNED, INTEGRITY, "signature is wrong"),
    ("a signature of zeros", KEYED, package((3, 256)), INTEGRITY, "signature is wrong"),
    ("a checksum of zeros", {}, package((1, 32)), INTEGRITY, "checksum is wrong"),
    ("a checksum of the image alone", {}, package((1, IMAGE_DIGEST)), INTEGRITY, "checksum is wrong"),
    ("an image longer by one byte", {}, package(SHA, after=b"!"), INTEGRITY, "longer than the 823 bytes"),
    ("an image shorter by one byte", {}, PLAIN[:-1], INTEGRITY, "822 of 823 bytes"),
    ("the head alone", {}, PLAIN[:48], INTEGRITY, "48 of 823 bytes"),
    ("half of the head", KEYED, SIGNED[:100], INTEGRITY, "ends within its head"),
    ("a total too long by one", {}, package(SHA, total=824), INTEGRITY, "823 of 824 bytes"),
    ("a total too short by one", {}, package(SHA, total=822), INTEGRITY, "longer than the 822 bytes"),
    ("a total of 4 GiB", {}, package(SHA, total=0xFFFFFFFF), INTEGRITY, "823 of 4294967295 bytes"),
    ("another image than expected", {"digest": bytes(32)}, PLAIN, INTEGRITY, "another image"),
    ("raw, another image than expected", {**RAW, "digest": bytes(32)}, IMAGE, INTEGRITY, "another image"),
]
