"""Signatures, good and hostile, with the verdict on each. In the common dialect: tests/fota/test_signature.py runs them
on CPython, tests/micropython/package_check.py on both runtimes.

The hostile ones are made with the private key, from encoded messages (RFC 8017, 9.1.1) with one thing wrong.
"""

from hashlib import sha256

# Made for these tests, and for nothing else.
N = int(
    "a9c137c22b912e5acae9e4139c703235ab8b30bdfe1e0623b9962e11ece645867b9c3672b8c29073f9ef545ccaee727578f52f8d"
    "c378396569fc6c63d2d917aa645df2be66dd5fa4060b7d7d26961c0a719dc74d0ff929b3e9ce9e84932d8a31790f7bbb328f64a4"
    "674491eacaf771007a54612bb73741a5223b4dcc2c2996453e0be695346b56cdbc4e89f74183d2ad23508a141c163192ce847b15"
    "681d44fb998d33e229c312f8a07a5bffd7d7c943d1a472e99d623c1745cdb4803aa49d23ca0ae34bb7a8e94ad275c1c1607b8e23"
    "cf61d22378783b181c20de89bd742e0f7d4ccb43144cfc798c2df736d11e8cb40a80422fc19c7e1448b54e430820391f",
    16,
)
E = 65537
D = int(
    "4693ff0acbf260c37efa1fc9c7911e4f12339ce061773a3640432084736a8a1d8fe732fc1fb54539f3007ea2d5fcadba09c06735"
    "19c0329ce7a3fbacc54d5d798aa144fbc4e8e58adcb88a442e76dad1bccb4cc1cd925ab462d17536c9ba756a7c5ae3a6c12ebd39"
    "5d7634f4d9ce673d3b9f39876375a5e5728615a27dfa0c6fae90a79ceeb7d64d696a4b8e28fb22f5206ab88c9a1872ed2d6f4f6f"
    "255baafecd7ca25fe2ef0500ef8aefeca43860af2d7993b0bd0d5696a1dbbf7e2fcdd9ae680358898b1324d16af0b48da9075406"
    "e24a3448b3a323d2738f849b9998d521a4dfd09ccc10c38e3e09aa4f871c05d91ab5df7e210b1cbbb3b5d88e950c5481",
    16,
)
KEY = (N, E)
SIZE = 256
DB_SIZE = SIZE - 33

DIGEST = sha256(b"firmware").digest()
# By "openssl pkeyutl -sign", OpenSSL 3.0.19, of DIGEST: {length of the salt: signature}
OPENSSL = {
    0: bytes.fromhex(
        "866644c1c5bc711d03d210f0c22f003418a094d61e1c672d02facbf0682e7879b16b282f1f39116ed96ac46110c666192e434036"
        "6adfb8c9642cdd85682a4a239c89891636e38a76c1292252275889c0253c4becf870f352c43fda8e5ca9343f07ccd9f816f1e44b"
        "13113008f079d3c5a51dd210bc58f08887f6a96d51955e9fbca23183e6b3704864aa81151776e09d295fb2032cfc1caa7e6e64a0"
        "94aad6bc07fdefe70ba3d1b276440bc9f4f9e0eebd1b8e30dec6d6d432e59f9dfffa9f0dbb69334444cbeb4bcd1792da096e7250"
        "3da81273a5e3d22ccd915f13ed5b82bb28e89cfcc0142351f86118008602eed81bb2ec240ed8a27b9d75351dd57bbaf4"
    ),
    32: bytes.fromhex(
        "7bfdf5f823d8b3375db0b5a814a444aac3f74f5c7ef8b3698bc12d8d1cdd5922bd6e9478adc4fe3ac62beceb33e88f50f059f172"
        "80e6051be3948aafa96150ddbd272cd46132f31ccec30f5010e7dcbfca97ae8c41e5bb77017710d925529c17c00e039cca0b391e"
        "5dc10ffcdf9dbfe2476ef7973fa5abbb7c99dd9b9df0c63ed66c4a4339b31805d27541f0bebc20c6fdfa91d838e0ac5aa0703620"
        "22feeec4a0b237e2ca5074de8a84b5c7dbb468baa9bd27ac3e25cc46ebf2ab93b04dbee849d9770a292d4d46ae87ff0b7931634f"
        "e3c45ed16e68cc62b6858ebea84dceef887a56cf57560dca1f39a3302c284219134cc2c77498516422accff12eeb9dae"
    ),
    222: bytes.fromhex(
        "8daf42bca9a036cec793ce5c5ef3488d0054e2bed6275bfac6d0b9a7cebbc3ee1f57eac796330166981a6e34c97d51104310c79c"
        "6e899d7fc38f0c1b778471fa42039284b2244220458ec64aead1363fd0693177a2545081d8b93ea6ef3f6266a9336ac72fd99c61"
        "dd0cc1754def97f6ca66228a1be5295835b8888e5d91ba7af88b42e8cdfaa51c18c2df6ba499b0255d0b0d87c0124841cf057024"
        "6829fd9e0193562996b68208a4fc3d0e9ff12b52f2171a9ffb9bbddee548394720d5092f3a0b8e731f160341762b41cc8e01a72f"
        "93a0fc9c6ac08e6ce9ff6ce9e1fb54aaeb095b446cfbc115e96835170c499ee58fb19c4949e348dcaea5cac733b020b3"
    ),
}

SPKI = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqcE3wiuRLlrK6eQTnHAy
NauLML3+HgYjuZYuEezmRYZ7nDZyuMKQc/nvVFzK7nJ1ePUvjcN4OWVp/Gxj0tkX
qmRd8r5m3V+kBgt9fSaWHApxncdND/kps+nOnoSTLYoxeQ97uzKPZKRnRJHqyvdx
AHpUYSu3N0GlIjtNzCwplkU+C+aVNGtWzbxOifdBg9KtI1CKFBwWMZLOhHsVaB1E
+5mNM+IpwxL4oHpb/9fXyUPRpHLpnWI8F0XNtIA6pJ0jygrjS7eo6UrSdcHBYHuO
I89h0iN4eDsYHCDeib10Lg99TMtDFEz8eYwt9zbRHoy0CoBCL8GcfhRItU5DCCA5
HwIDAQAB
-----END PUBLIC KEY-----
"""
PKCS1 = """-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAqcE3wiuRLlrK6eQTnHAyNauLML3+HgYjuZYuEezmRYZ7nDZyuMKQ
c/nvVFzK7nJ1ePUvjcN4OWVp/Gxj0tkXqmRd8r5m3V+kBgt9fSaWHApxncdND/kp
s+nOnoSTLYoxeQ97uzKPZKRnRJHqyvdxAHpUYSu3N0GlIjtNzCwplkU+C+aVNGtW
zbxOifdBg9KtI1CKFBwWMZLOhHsVaB1E+5mNM+IpwxL4oHpb/9fXyUPRpHLpnWI8
F0XNtIA6pJ0jygrjS7eo6UrSdcHBYHuOI89h0iN4eDsYHCDeib10Lg99TMtDFEz8
eYwt9zbRHoy0CoBCL8GcfhRItU5DCCA5HwIDAQAB
-----END RSA PUBLIC KEY-----
"""


def mask(seed: bytes, start: int = 0) -> bytes:
    """MGF1; ``start`` is the first counter, 0 where it is right."""
    blocks = [sha256(seed + number.to_bytes(4, "big")).digest() for number in range(start, start + 7)]
    return b"".join(blocks)[:DB_SIZE]


def xor(one: bytes, other: bytes) -> bytes:
    return bytes([byte ^ other[index] for index, byte in enumerate(one)])


def encode(
    salt, digest=DIGEST, padding=None, separator=1, zeros=8, trailer=0xBC, masked=True, top=0, start=0, hashed=None
) -> bytes:
    """The encoded message of a digest; every argument but the first two is wrong where it is given."""
    found = sha256(b"\x00" * zeros + digest + (salt if hashed is None else hashed)).digest()
    if padding is None:
        padding = b"\x00" * (DB_SIZE - 1 - len(salt))
    block = padding + bytes([separator]) + salt
    assert len(block) == DB_SIZE
    if masked:
        block = xor(block, mask(found, start))
    return bytes([block[0] & 0x7F | top]) + block[1:] + found + bytes([trailer])


def raw(number: int) -> bytes:
    return number.to_bytes(SIZE, "big")


def sign(encoded: bytes) -> bytes:
    return raw(pow(int.from_bytes(encoded, "big"), D, N))


def salts() -> "list[bytes]":
    """Some of 32 bytes, to choose from."""
    return [sha256(bytes([number])).digest() for number in range(64)]


SALT = salts()[0]


def below_the_modulus(**wrong) -> bytes:
    """An encoded message that is less than the modulus although its top bit is set."""
    return [each for each in [encode(salt, **wrong) for salt in salts()] if int.from_bytes(each, "big") < N][0]


def beyond_the_modulus() -> bytes:
    """A good signature plus the modulus, which still fits 256 bytes."""
    numbers = [int.from_bytes(sign(encode(salt)), "big") + N for salt in salts()[:16]]
    return raw([number for number in numbers if not number >> 2048][0])


PKCS1_V15 = b"\x00\x01" + b"\xff" * 202 + b"\x00" + bytes.fromhex("3031300d060960864801650304020105000420") + DIGEST
SHORT = b"\x00" * (DB_SIZE - 34)


def vectors() -> list:
    """(name, key, digest, signature, whether it is good)"""
    good = sign(encode(SALT))
    number = int.from_bytes(good, "big")
    rows = [("openssl, salt %d" % size, KEY, DIGEST, OPENSSL[size], True) for size in (0, 32, 222)]
    rows += [
        ("salt of %d" % size, KEY, DIGEST, sign(encode((SALT * 7)[:size])), True) for size in (0, 1, 20, 31, 33, 222)
    ]
    rows += [
        ("salt that begins with 1", KEY, DIGEST, sign(encode(b"\x01" + SALT[1:])), True),
        ("salt of zeros", KEY, DIGEST, sign(encode(b"\x00" * 32)), True),
        ("another digest", KEY, sha256(b"other").digest(), good, False),
        ("no digest", KEY, b"", good, False),
        ("a digest cut short", KEY, DIGEST[:31], good, False),
        ("a digest too long", KEY, DIGEST + b"\x00", good, False),
        ("another exponent", (N, 3), DIGEST, good, False),
        ("another modulus", (N - 2, E), DIGEST, good, False),
        ("no signature", KEY, DIGEST, b"", False),
        ("a signature cut short", KEY, DIGEST, good[:255], False),
        ("a signature cut at its start", KEY, DIGEST, good[1:], False),
        ("a zero before the signature", KEY, DIGEST, b"\x00" + good, False),
        ("a zero after the signature", KEY, DIGEST, good + b"\x00", False),
        ("signature 0", KEY, DIGEST, raw(0), False),
        ("signature 1", KEY, DIGEST, raw(1), False),
        ("signature n - 1", KEY, DIGEST, raw(N - 1), False),
        ("signature n", KEY, DIGEST, raw(N), False),
        ("signature n + 1", KEY, DIGEST, raw(N + 1), False),
        ("signature of all ones", KEY, DIGEST, b"\xff" * SIZE, False),
        ("the signature plus n", KEY, DIGEST, beyond_the_modulus(), False),
        ("n minus the signature", KEY, DIGEST, raw(N - number), False),
        ("the encoded message itself", KEY, DIGEST, encode(SALT), False),
        ("the digest itself", KEY, DIGEST, sign(b"\x00" * 224 + DIGEST), False),
        ("PKCS#1 v1.5", KEY, DIGEST, sign(PKCS1_V15), False),
        ("the top bit set", KEY, DIGEST, sign(below_the_modulus(top=0x80)), False),
        ("trailer 0xbd", KEY, DIGEST, sign(encode(SALT, trailer=0xBD)), False),
        ("trailer 0x3c", KEY, DIGEST, sign(encode(SALT, trailer=0x3C)), False),
        ("trailer 0xcc", KEY, DIGEST, sign(encode(SALT, trailer=0xCC)), False),
        ("trailer 0", KEY, DIGEST, sign(encode(SALT, trailer=0)), False),
        ("marker 2", KEY, DIGEST, sign(encode(SALT, separator=2)), False),
        ("marker 0x81", KEY, DIGEST, sign(encode(SALT, separator=0x81)), False),
        ("no marker, the salt's first byte in its place", KEY, DIGEST, sign(encode(SALT, separator=0)), False),
        ("another salt", KEY, DIGEST, sign(encode(SALT, hashed=salts()[1])), False),
        ("no marker, all of it the salt", KEY, DIGEST, sign(encode(bytes(222), separator=0, hashed=bytes(223))), False),
        ("zeros only", KEY, DIGEST, sign(encode(b"\x00" * 32, separator=0)), False),
        (
            "the marker first, in the bit that is cut off",
            KEY,
            DIGEST,
            sign(encode(SALT * 6 + SALT[:30], separator=0x80)),
            False,
        ),
        ("padding that does not begin with zero", KEY, DIGEST, sign(encode(SALT, padding=b"\x02" + SHORT)), False),
        ("padding that does not end with zero", KEY, DIGEST, sign(encode(SALT, padding=SHORT + b"\x02")), False),
        ("a marker too early", KEY, DIGEST, sign(encode(SALT, padding=b"\x01" + SHORT)), False),
        ("no zeros before the digest", KEY, DIGEST, sign(encode(SALT, zeros=0)), False),
        ("a zero too many before the digest", KEY, DIGEST, sign(encode(SALT, zeros=9)), False),
        ("no mask", KEY, DIGEST, sign(encode(SALT, masked=False)), False),
        ("a mask that counts from 1", KEY, DIGEST, sign(encode(SALT, start=1)), False),
        ("the digest instead of its hash", KEY, DIGEST, sign(encode(SALT, digest=b"firmware")), False),
    ]
    return rows


# What no key is: (n, e)
BAD_KEYS = [
    (N, 0), (N, 1), (N, 2), (N, 65536), (N, -3), (N, N), (N, N + 2), (0, E), (-N, E), (N + 1, E), (N >> 1 | 1, E),
    (N << 1 | 1, E), (1 << 2047, E), ((1 << 2048) - 2, E), ((1 << 1024) - 1, E), (True, E), (N, True), (N, 3.0),
    ("1", E), (N, None), (N,), (N, E, E), (), None, 17, [N, E],
]  # fmt: skip
