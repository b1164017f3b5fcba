"""``atiny package``: built, shown, verified; and each way in which that fails."""

import json
import subprocess

import pytest

from atiny.cli import main
from atiny.fota.build import read_head
from tests.fota.keys import PRIVATE, PRIVATE_PEM, PUBLIC_PEM, private_pem
from tests.fota.vectors_package import IMAGE, SIGNED, package
from tests.fota.vectors_signature import PKCS1

PLAIN = package((1, None), (4, b"\x00\x00\x00\x07"), (100, b"\xca\xfe"), (101, b""))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with keys, an image and packages of it."""
    monkeypatch.chdir(tmp_path)
    for name, data in (
        ("image", IMAGE),
        ("key.pem", PRIVATE_PEM),
        ("locked.pem", private_pem(PRIVATE, b"secret")),
        ("pub.pem", PUBLIC_PEM),
        ("pkcs1.pem", PKCS1.encode()),
        ("plain.pkg", PLAIN),
        ("signed.pkg", SIGNED),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(data)
    return tmp_path


def run(capsys, *arguments) -> "tuple[int, str, str]":
    code = main(["package", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


# build


def test_build(folder, capsys):
    assert run(capsys, "build", "image", "--out", "new.pkg") == (0, "new.pkg: 823 bytes, with its SHA-256\n", "")
    assert (folder / "new.pkg").read_bytes() == package((1, None))
    assert run(capsys, "verify", "new.pkg", "--key", "pub.pem")[0] == 1


def test_build_signed(folder, capsys):
    tlvs = ["--tlv", "100=ca:fe", "--tlv", "65535=01 02"]
    code, out, err = run(capsys, "build", "image", "--out", "new.pkg", "--sign", "key.pem", "--type", "7", *tlvs)
    assert (code, out, err) == (0, "new.pkg: 1067 bytes, signed\n", "")
    head = read_head((folder / "new.pkg").read_bytes())
    assert (head.type, head.own) == (7, ((100, b"\xca\xfe"), (65535, b"\x01\x02")))
    assert run(capsys, "verify", "new.pkg", "--key", "pub.pem")[0] == 0


def test_build_for_machines(folder, capsys):
    code, out, err = run(capsys, "build", "image", "--out", "new.pkg", "--sign", "key.pem", "--json")
    event = json.loads(out)
    assert event.pop("time") > 0
    assert event == {
        "event": "built", "file": "new.pkg", "signed": True, "total": 1047, "head": 272, "image": 775,
    }  # fmt: skip


def test_build_with_an_encrypted_key(folder, capsys, monkeypatch):
    build = ["build", "image", "--out", "new.pkg", "--sign", "locked.pem"]
    monkeypatch.setenv("ATINY_KEY_PASSWORD", "secret")
    assert run(capsys, *build)[0] == 0
    assert run(capsys, "verify", "new.pkg", "--key", "pub.pem")[0] == 0
    monkeypatch.setenv("ATINY_KEY_PASSWORD", "guessed")
    code, out, err = run(capsys, *build)
    assert (code, out) == (1, "")
    assert "the password is not its own" in err
    assert "guessed" not in err
    monkeypatch.delenv("ATINY_KEY_PASSWORD")
    asked = []
    monkeypatch.setattr("click.prompt", lambda text, **options: asked.append((text, options)) or "secret")
    assert run(capsys, *build)[0] == 0
    assert asked == [("Password of locked.pem", {"hide_input": True, "err": True})]


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["image"], 2, "--out"),
        (["nothing", "--out", "new"], 2, "nothing"),
        ([".", "--out", "new"], 2, "directory"),
        (["image", "--out", "."], 2, "directory"),
        (["image", "--out", "image"], 2, "would be written over image"),
        (["image", "--out", "key.pem", "--sign", "key.pem"], 2, "would be written over key.pem"),
        (["image", "--out", "no/where"], 1, "cannot write no/where"),
        (["empty", "--out", "new"], 1, "1 byte to 4 GiB"),
        (["image", "--out", "new", "--sign", "pub.pem"], 1, "no private key"),
        (["image", "--out", "new", "--sign", "image"], 1, "no private key"),
        (["image", "--out", "new", "--type", "-1"], 2, "--type"),
        (["image", "--out", "new", "--type", "4294967296"], 2, "--type"),
        (["image", "--out", "new", "--tlv", "100"], 2, "N=HEX"),
        (["image", "--out", "new", "--tlv", "=00"], 2, "N=HEX"),
        (["image", "--out", "new", "--tlv", "x=00"], 2, "N=HEX"),
        (["image", "--out", "new", "--tlv", "99=00"], 2, "100 to 65535"),
        (["image", "--out", "new", "--tlv", "65536=00"], 2, "100 to 65535"),
        (["image", "--out", "new", "--tlv", "9" * 5000 + "=00"], 2, "100 to 65535"),
        (["image", "--out", "new", "--tlv", "100=0"], 3, "hexadecimal"),
        (["image", "--out", "new", "--tlv", "100="], 3, "hexadecimal"),
        (["image", "--out", "new", "--tlv", "100=" + "00" * 4096], 1, "at most 4096 bytes"),
    ],
)
def test_what_cannot_be_built(folder, capsys, arguments, code, why):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    found, out, err = run(capsys, "build", *arguments)
    assert (found, out) == (code, "")
    assert why in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# show


def test_show(folder, capsys):
    code, out, err = run(capsys, "show", "plain.pkg")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "plain.pkg: a package of 841 bytes: a head of 66, an image of 775",
        "checksum: SHA-256",
        "type: 7 (of your own)",
        "TLV 100: cafe",
        "TLV 101: empty",
    ]


def test_show_signed(folder, capsys):
    code, out, err = run(capsys, "show", "signed.pkg")
    assert (code, err) == (0, "")
    assert "checksum: SHA-256, signed (RSA-2048-PSS)\ntype: 1 (difference)\n" in out


def test_show_for_machines(folder, capsys):
    code, out, err = run(capsys, "show", "plain.pkg", "--json")
    event = json.loads(out)
    assert event.pop("time") > 0
    assert event == {
        "event": "package", "file": "plain.pkg", "signed": False, "checksum": PLAIN[16:48].hex(), "type": 7,
        "tlvs": [[100, "cafe"], [101, ""]], "total": 841, "head": 66, "image": 775,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (IMAGE[3:], "not a firmware package"),
        (b"", "it ends within its head"),
        (PLAIN[:40], "it ends within its head"),
        (package((1, 31), b"\x00"), "TLV 1 has 31 bytes"),
        (PLAIN[:-1], "840 of 841 bytes"),
        (PLAIN + b"!", "longer than the 841 bytes"),
        (PLAIN[:-1] + b"!", "the checksum is wrong"),
        (SIGNED[:-1], f"the file has {len(SIGNED) - 1} bytes"),
        (SIGNED + b"!", f"the file has {len(SIGNED) + 1} bytes"),
    ],
)
def test_show_what_is_damaged(folder, capsys, data, why):
    (folder / "bad.pkg").write_bytes(data)
    code, out, err = run(capsys, "show", "bad.pkg")
    assert code == 1
    assert err.startswith("atiny: bad.pkg: ")
    assert why in err


# verify


@pytest.mark.parametrize("key", ["pub.pem", "pkcs1.pem"])
def test_verify(folder, capsys, key):
    said = f"signed.pkg: whole, and signed by the owner of {key}\n"
    assert run(capsys, "verify", "signed.pkg", "--key", key) == (0, said, "")


def test_verify_for_machines(folder, capsys):
    code, out, err = run(capsys, "verify", "signed.pkg", "--key", "pub.pem", "--json")
    event = json.loads(out)
    assert (code, event["event"], event["total"]) == (0, "verified", len(SIGNED))


@pytest.mark.parametrize("size", [1, 5 * (1 << 16) + 1])
def test_verify_images_of_any_size(folder, capsys, size):
    (folder / "large").write_bytes(b"\xa5" * size)
    assert run(capsys, "build", "large", "--out", "new.pkg", "--sign", "key.pem")[0] == 0
    assert run(capsys, "verify", "new.pkg", "--key", "pub.pem")[0] == 0
    with (folder / "new.pkg").open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\xa4")
    code, out, err = run(capsys, "verify", "new.pkg", "--key", "pub.pem")
    assert (code, out, err) == (1, "", "atiny: new.pkg: the signature is wrong\n")


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["signed.pkg"], 2, "--key"),
        (["signed.pkg", "--key", "nothing"], 2, "nothing"),
        (["plain.pkg", "--key", "pub.pem"], 1, "plain.pkg: it is not signed"),
        (["image", "--key", "pub.pem"], 1, "image: "),
        (["empty", "--key", "pub.pem"], 1, "empty: it ends within its head"),
        (["signed.pkg", "--key", "key.pem"], 1, "key.pem: this is a private key"),
        (["signed.pkg", "--key", "image"], 1, "image: a public key in PEM begins with"),
        (["signed.pkg", "--key", "long.pem"], 1, "long.pem is too long for a key"),
    ],
)
def test_what_cannot_be_verified(folder, capsys, arguments, code, why):
    (folder / "long.pem").write_bytes(PUBLIC_PEM + b"\n" * 65536)
    found, out, err = run(capsys, "verify", *arguments)
    assert (found, out) == (code, "")
    assert why in err


def test_openssl_finds_the_same_signature(folder, capsys):
    """What is signed is the head with zeros for the signature, and the image."""
    assert run(capsys, "build", "image", "--out", "new.pkg", "--sign", "key.pem")[0] == 0
    data = (folder / "new.pkg").read_bytes()
    (folder / "signed").write_bytes(data[:16] + bytes(256) + data[272:])
    (folder / "signature").write_bytes(data[16:272])
    how = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
    command = ["openssl", "dgst", "-sha256", "-verify", "pub.pem", *how, "-signature", "signature", "signed"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert done.stdout == "Verified OK\n", done.stderr


def test_help_tells_the_whole_story(capsys):
    code, out, err = run(capsys, "--help")
    assert code == 0
    for word in ("build", "show", "verify", "openssl genpkey", "--sign key.pem", "--key pub.pem"):
        assert word in out
