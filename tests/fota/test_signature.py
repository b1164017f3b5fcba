"""RSASSA-PSS, by the library and by our own arithmetic, against the same vectors; keys in PEM; to sign."""

import base64
import builtins

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from hypothesis import given, settings, strategies as st

from atiny.errors import NotSupported, ParameterError
from atiny.fota import signature
from atiny.fota.signature import load_key, verify, verify_plainly
from atiny.fota.signing import sign
from tests.fota.keys import PRIVATE, PRIVATE_PEM, private_pem, public_pem
from tests.fota.vectors_signature import BAD_KEYS, DIGEST, KEY, PKCS1, SIZE, SPKI, D, E, N, encode, raw, vectors

VECTORS = vectors()
GOOD = VECTORS[0][3]
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
PREHASHED = utils.Prehashed(hashes.SHA256())
BOTH = pytest.mark.parametrize("check", [verify, verify_plainly])


@pytest.fixture
def without_cryptography(monkeypatch):
    whole = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "cryptography":
            raise ImportError(name)
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)


@BOTH
@pytest.mark.parametrize(("key", "digest", "made", "good"), [row[1:] for row in VECTORS], ids=[r[0] for r in VECTORS])
def test_vectors(check, key, digest, made, good):
    assert check(key, digest, made) is good


@BOTH
def test_any_bit_flipped(check):
    assert check(KEY, DIGEST, GOOD)
    for bit in range(SIZE * 8):
        flipped = bytearray(GOOD)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not check(KEY, DIGEST, bytes(flipped)), bit
    for bit in range(len(DIGEST) * 8):
        flipped = bytearray(DIGEST)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not check(KEY, bytes(flipped), GOOD), bit


@given(
    salt=st.binary(max_size=222),
    wrong=st.fixed_dictionaries(
        {},
        optional={
            "separator": st.integers(0, 255),
            "zeros": st.integers(0, 16),
            "trailer": st.integers(0, 255),
            "top": st.sampled_from([0, 0x80]),
        },
    ),
    bytes_=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_encoded_both_say_the_same(salt, wrong, bytes_):
    encoded = bytearray(encode(salt, **wrong))
    for at, byte in bytes_:
        encoded[at] = byte
    number = int.from_bytes(encoded, "big")
    made = raw(pow(number, D, N) if number < N else number)
    assert verify(KEY, DIGEST, made) is verify_plainly(KEY, DIGEST, made)


@given(made=st.binary(max_size=300) | st.binary(min_size=SIZE, max_size=SIZE), digest=st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_garbage(made, digest):
    assert not verify(KEY, digest, made)
    assert not verify_plainly(KEY, digest, made)


@BOTH
@pytest.mark.parametrize("other", [hashes.SHA1(), hashes.SHA224(), hashes.SHA384(), hashes.SHA512()])
@pytest.mark.parametrize("masked", [False, True], ids=["message", "mask"])
def test_another_hash(check, other, masked):
    """Of the message whose SHA-256 is what is verified, or in the mask only."""
    scheme = padding.PSS(padding.MGF1(other), 32)
    assert not check(KEY, DIGEST, PRIVATE.sign(b"firmware", scheme, hashes.SHA256() if masked else other))


@BOTH
def test_the_library_s_signatures(check):
    assert check(KEY, DIGEST, PRIVATE.sign(b"firmware", PSS, hashes.SHA256()))
    assert not check(KEY, DIGEST, PRIVATE.sign(b"firmware", padding.PKCS1v15(), hashes.SHA256()))


@BOTH
def test_the_exponent_3(check):
    private = rsa.generate_private_key(3, 2048)
    n, e = load_key(public_pem(private))
    made = private.sign(DIGEST, PSS, PREHASHED)
    assert e == 3
    assert check((n, e), DIGEST, made)
    assert not check((n, E), DIGEST, made)
    # The cube of this is less than the modulus: nothing but the encoding stands against it.
    assert not check((n, e), DIGEST, raw(1 << 600))


def test_without_the_library_our_own_arithmetic_verifies(without_cryptography, monkeypatch):
    asked = []

    def plainly(*args):
        asked.append(args)
        return verify_plainly(*args)

    monkeypatch.setattr(signature, "verify_plainly", plainly)
    for _, key, digest, made, good in VECTORS:
        assert verify(key, digest, made) is good
    assert len(asked) == len(VECTORS)


def test_with_the_library_it_verifies(monkeypatch):
    monkeypatch.setattr(signature, "verify_plainly", None)
    assert verify(KEY, DIGEST, GOOD)


# keys


@pytest.mark.parametrize(
    "pem", [SPKI, PKCS1, SPKI.encode(), SPKI.replace("\n", "\r\n"), "text before\n" + PKCS1 + SPKI]
)
def test_a_key_in_pem(pem):
    assert load_key(pem) == KEY


def test_a_key_of_numbers():
    assert load_key(KEY) == KEY
    assert load_key((N, 3)) == (N, 3)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_what_no_key_is(key):
    with pytest.raises(ParameterError):
        load_key(key)


def armoured(der: bytes, label: str = "PUBLIC KEY") -> str:
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n"


DER = base64.b64decode("".join(SPKI.splitlines()[1:-1]))


def zero_more(der: bytes) -> bytes:
    """The key with an exponent of four bytes: 00 01 00 01."""
    inner = der[24:-5] + b"\x02\x04\x00\x01\x00\x01"
    key = b"\x30\x82" + (len(inner) - 4).to_bytes(2, "big") + inner[4:]
    bits = b"\x03\x82" + (len(key) + 1).to_bytes(2, "big") + b"\x00" + key
    return b"\x30\x82" + (15 + len(bits)).to_bytes(2, "big") + der[4:19] + bits


NO_RSA = "no RSA public key in PEM"
NO_PEM = "begins with -----BEGIN"
BAD_PEMS = [
    ("1024 bits", public_pem(rsa.generate_private_key(65537, 1024)), "another modulus"),
    ("2056 bits", public_pem(rsa.generate_private_key(65537, 2056)), "another modulus"),
    ("an elliptic curve", public_pem(ec.generate_private_key(ec.SECP256R1())), NO_RSA),
    ("the private key", PRIVATE_PEM, "a private key, which stays"),
    ("the private key of PKCS#1", private_pem(PRIVATE, pkcs1=True), "a private key, which stays"),
    ("the private key, encrypted", private_pem(PRIVATE, b"secret"), "a private key, which stays"),
    ("nothing", "", NO_PEM),
    ("no PEM", "ssh-rsa AAAA", NO_PEM),
    ("no text", b"\xff\xfe" + SPKI.encode(), NO_PEM),
    ("no end", SPKI[:200], NO_PEM),
    ("the end of another", SPKI.replace("END PUBLIC", "END RSA PUBLIC"), NO_PEM),
    ("another label", SPKI.replace("PUBLIC KEY", "CERTIFICATE"), NO_RSA),
    ("PKCS#1 in the place of SPKI", PKCS1.replace("RSA PUBLIC KEY", "PUBLIC KEY"), NO_RSA),
    ("SPKI in the place of PKCS#1", SPKI.replace("PUBLIC KEY", "RSA PUBLIC KEY"), NO_RSA),
    ("an empty body", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", NO_RSA),
    ("a body cut short", SPKI.replace("HwIDAQAB\n", ""), NO_RSA),
    ("a length in more bytes than it takes", armoured(b"\x30\x83\x00" + DER[2:]), NO_RSA),
    ("an exponent with a zero too many", armoured(zero_more(DER)), NO_RSA),
    ("a negative modulus", armoured(DER[:32] + b"\x80" + DER[33:]), NO_RSA),
    ("bits that are no bytes", armoured(DER[:23] + b"\x04" + DER[24:]), NO_RSA),
    ("more after the key", SPKI.replace("HwIDAQAB\n", "HwIDAQABHwID\n"), NO_RSA),
]


@pytest.mark.parametrize(("pem", "why"), [row[1:] for row in BAD_PEMS], ids=[row[0] for row in BAD_PEMS])
def test_what_no_public_key_is(pem, why):
    with pytest.raises(ParameterError, match=why):
        load_key(pem)


@given(at=st.integers(0, 40) | st.integers(280, len(DER)), garbage=st.binary(max_size=12), cut=st.integers(0, 12))
@settings(max_examples=150, deadline=None)
def test_what_we_read_in_der_the_library_reads_too(at, garbage, cut):
    """Bytes replaced by others: refused, or the key that an independent reader finds."""
    pem = armoured(DER[:at] + garbage + DER[at + cut :])
    try:
        found = load_key(pem)
    except ParameterError:
        return
    numbers = serialization.load_pem_public_key(pem.encode()).public_numbers()
    assert found == (numbers.n, numbers.e)


@given(st.binary(max_size=80), st.sampled_from(["PUBLIC KEY", "RSA PUBLIC KEY"]))
@settings(max_examples=80, deadline=None)
def test_der_of_anything(der, label):
    with pytest.raises(ParameterError):
        load_key(armoured(der, label))


# to sign


@pytest.mark.parametrize(
    ("pem", "password"),
    [
        (PRIVATE_PEM, None),
        (PRIVATE_PEM.decode(), None),
        (private_pem(PRIVATE, pkcs1=True), None),
        (private_pem(PRIVATE, b"secret"), b"secret"),
        (private_pem(PRIVATE, b"secret", pkcs1=True), b"secret"),
    ],
)
def test_sign(pem, password):
    made = sign(pem, DIGEST, password)
    assert len(made) == SIZE
    assert verify(KEY, DIGEST, made)
    assert verify_plainly(KEY, DIGEST, made)
    assert sign(pem, DIGEST, password) != made  # another salt


@pytest.mark.parametrize(
    ("pem", "password", "why"),
    [
        (SPKI, None, "no private key"),
        ("", None, "no private key"),
        (b"\xff" * 100, None, "no private key"),
        (private_pem(PRIVATE, b"secret"), None, "is encrypted"),
        (private_pem(PRIVATE, b"secret"), b"Secret", "the password is not its own"),
        (PRIVATE_PEM, b"secret", "is not encrypted"),
        (private_pem(rsa.generate_private_key(65537, 3072)), None, "2048 bits"),
        (private_pem(ec.generate_private_key(ec.SECP256R1())), None, "2048 bits"),
    ],
)
def test_what_cannot_sign(pem, password, why):
    with pytest.raises(ParameterError, match=why) as caught:
        sign(pem, DIGEST, password)
    assert "ecret" not in str(caught.value)


def test_to_sign_takes_the_library(without_cryptography):
    with pytest.raises(NotSupported, match="fota"):
        sign(PRIVATE_PEM, DIGEST)
