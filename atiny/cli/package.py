"""``atiny package``: firmware packages for the upgrade of devices: built, signed, looked into and verified."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ..errors import ParameterError
from ..fota.build import MAX_TOTAL, MAX_TYPE, build, read_head
from ..fota.options import FirmwareOptions
from ..fota.package import DIFFERENCE, FULL, MAX_HEAD, OWN, SHA256, PackageError, PackageReader
from .common import FAILED, Failure, Output, from_hex, json_option

PASSWORD = "ATINY_KEY_PASSWORD"
CHUNK = 1 << 16
MAX_KEY = 1 << 16  # of a file: what is longer is no key
CHECKSUMS = ("SHA-256", "SHA-256, signed (RSA-2048-PSS)")
TYPES = {FULL: "full software", DIFFERENCE: "difference"}

existing = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("package")
def command() -> None:
    """Build, show and verify firmware packages.

    A package is an image behind a head with its checksum, as the LiteOS SDK has it; signed, the checksum is a signature
    that a device with the public key checks.

    \b
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem
    openssl pkey -in key.pem -pubout -out pub.pem
    atiny package build lamp-2.bin --sign key.pem --out lamp-2.pkg
    atiny package verify lamp-2.pkg --key pub.pem
    """


@command.command("build")
@click.argument("image", type=existing, metavar="IMAGE")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.option(
    "--sign",
    "key",
    type=existing,
    metavar="KEY.pem",
    help=f"Sign with this private key, RSA of 2048 bits. If it is encrypted, its password is taken from {PASSWORD}, "
    "or asked for.",
)
@click.option(
    "--type",
    "kind",
    type=click.IntRange(0, MAX_TOTAL),
    metavar="N",
    help=f"The binary type: {FULL}, the full software (what is meant without it), {DIFFERENCE}, a difference to it, "
    "or one of your own.",
)
@click.option(
    "--tlv",
    "tlvs",
    multiple=True,
    metavar="N=HEX",
    help=f"Something of your own for the head, type {OWN} to {MAX_TYPE}; may be given several times.",
)
@json_option
def build_command(
    image: Path, out: Path, key: Path | None, kind: int | None, tlvs: tuple[str, ...], as_json: bool
) -> int:
    """Put IMAGE into a package, with its SHA-256 or signed."""
    own = [_tlv(text) for text in tlvs]
    for source in (image, key):
        if source is not None and out.exists() and out.samefile(source):
            raise click.UsageError(f"--out {out} would be written over {source}")
    pem = password = None
    if key is not None:
        pem = _read_key(key)
        password = _password(key) if b"ENCRYPTED" in pem else None
    try:
        content = image.read_bytes()
    except OSError as problem:
        raise Failure(FAILED, f"cannot read {image}: {problem.strerror}") from None
    try:
        package = build(content, key=pem, type=kind, tlvs=own, password=password)
    except ParameterError as problem:
        raise Failure(FAILED, str(problem)) from None
    try:
        out.write_bytes(package)
    except OSError as problem:
        raise Failure(FAILED, f"cannot write {out}: {problem.strerror}") from None
    how = "with its SHA-256" if key is None else "signed"
    text = f"{out}: {len(package)} bytes, {how}"
    Output(as_json).say(text, "built", file=str(out), signed=key is not None, **_sizes(read_head(package)))
    return 0


@command.command("show")
@click.argument("file", type=existing, metavar="FILE")
@json_option
def show_command(file: Path, as_json: bool) -> int:
    """Print what the head of a package says, and check what can be checked without a key.

    It fails where the package is damaged. A signature is not checked: see "verify".
    """
    output = Output(as_json)
    try:
        with file.open("rb") as stream:
            head = read_head(stream.read(MAX_HEAD))
        signed = head.checksum_type != SHA256
        lines = [
            f"{file}: a package of {head.total} bytes: a head of {len(head.data)}, an image of "
            f"{head.total - len(head.data)}",
            f"checksum: {CHECKSUMS[signed]}",
            "type: " + ("none" if head.type is None else f"{head.type} ({TYPES.get(head.type, 'of your own')})"),
            *(f"TLV {number}: {value.hex() or 'empty'}" for number, value in head.own),
        ]
        output.say(
            "\n".join(lines),
            "package",
            file=str(file),
            signed=signed,
            checksum=head.checksum.hex(),
            type=head.type,
            tlvs=[[number, value.hex()] for number, value in head.own],
            **_sizes(head),
        )
        if not signed:
            _check(file, PackageReader(FirmwareOptions()))
        elif file.stat().st_size != head.total:
            raise Failure(FAILED, f"{file}: the file has {file.stat().st_size} bytes")
    except PackageError as problem:
        raise Failure(FAILED, f"{file}: {problem.text}") from None
    except OSError as problem:
        raise Failure(FAILED, f"cannot read {file}: {problem.strerror}") from None
    return 0


@command.command("verify")
@click.argument("file", type=existing, metavar="FILE")
@click.option("--key", required=True, type=existing, metavar="PUB.pem", help="The public key, as devices have it.")
@json_option
def verify_command(file: Path, key: Path, as_json: bool) -> int:
    """Check that a package is whole and signed by the owner of a key, just as a device does.

    The exit code is 0 only if it is.
    """
    try:
        reader = PackageReader(FirmwareOptions(key=_read_key(key)))
    except ParameterError as problem:
        raise Failure(FAILED, f"{key}: {problem}") from None
    try:
        _check(file, reader)
    except PackageError as problem:
        raise Failure(FAILED, f"{file}: {problem.text}") from None
    except OSError as problem:
        raise Failure(FAILED, f"cannot read {file}: {problem.strerror}") from None
    text = f"{file}: whole, and signed by the owner of {key}"
    assert reader.head is not None
    Output(as_json).say(text, "verified", file=str(file), **_sizes(reader.head))
    return 0


def _check(file: Path, reader: PackageReader) -> None:
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            reader.feed(chunk)
    reader.finish()


def _sizes(head: Any) -> dict[str, int]:
    return {"total": head.total, "head": len(head.data), "image": head.total - len(head.data)}


def _tlv(text: str) -> tuple[int, bytes]:
    """(type, value) of ``N=HEX``. Raises `Failure` for what is not hexadecimal."""
    number, equals, value = text.partition("=")
    if not equals or not number.isdecimal() or not OWN <= int(number[:6]) <= MAX_TYPE:
        raise click.BadParameter(f"{text!r} is not N=HEX with N from {OWN} to {MAX_TYPE}", param_hint="--tlv")
    return int(number), from_hex(value)


def _read_key(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            pem = stream.read(MAX_KEY + 1)
    except OSError as problem:
        raise Failure(FAILED, f"cannot read {path}: {problem.strerror}") from None
    if len(pem) > MAX_KEY:
        raise Failure(FAILED, f"{path} is too long for a key")
    return pem


def _password(path: Path) -> bytes:
    password = os.environ.get(PASSWORD)
    if password is None:
        password = str(click.prompt(f"Password of {path}", hide_input=True, err=True))
    return password.encode()
