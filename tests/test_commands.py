"""The command words: the SDK's numbers, ours beyond them, and the handler that has a method for each."""

import re

import pytest

from atiny import commands
from atiny.commands import COUNT, FIRST_OWN, METHODS, OWN_METHODS, CommandHandler, method_of
from atiny.errors import ATINY_ARG_INVALID, ATINY_RESOURCE_NOT_FOUND
from atiny.lwm2m.host import Host

WORDS = {
    name: value
    for name, value in vars(commands).items()
    if re.match("ATINY_(GET|SET|DO|WRITE|UPDATE|TRIGGER)_", name) and name != "ATINY_GET_BATERRY_LEVEL"
}
SDK = {name: value for name, value in WORDS.items() if value < FIRST_OWN}
OWN = {name: value for name, value in WORDS.items() if value >= FIRST_OWN}

# Of the SDK's enumeration, one of each stretch.
NUMBERS = {
    "ATINY_GET_MANUFACTURER": 0,
    "ATINY_DO_DEV_REBOOT": 4,
    "ATINY_GET_DEV_ERR": 11,
    "ATINY_GET_BINDING_MODES": 19,
    "ATINY_GET_NETWORK_BEARER": 21,
    "ATINY_WRITE_APP_DATA": 26,
    "ATINY_UPDATE_PSK": 27,
    "ATINY_GET_LATITUDE": 28,
    "ATINY_GET_VELOCITY": 34,
    "ATINY_TRIGGER_SERVER_INITIATED_BS": 36,
}


def test_the_numbers_are_the_sdk_s_and_ours_lie_beyond():
    assert sorted(SDK.values()) == list(range(37)) == list(range(COUNT))
    assert sorted(OWN.values()) == list(range(100, 100 + len(OWN_METHODS)))
    assert {name: WORDS[name] for name in NUMBERS} == NUMBERS
    assert commands.ATINY_GET_BATERRY_LEVEL == commands.ATINY_GET_BATTERY_LEVEL == 9


@pytest.mark.parametrize("name", [name for name in WORDS if name != "ATINY_WRITE_APP_DATA"])
def test_every_word_has_the_method_of_its_name(name):
    assert method_of(WORDS[name]) == name[len("ATINY_") :].lower()
    assert callable(getattr(CommandHandler, method_of(WORDS[name])))


def test_the_word_for_app_data_keeps_the_sdk_s_name():
    assert method_of(commands.ATINY_WRITE_APP_DATA) == "write_app_write"


def test_no_method_stands_twice():
    names = METHODS + OWN_METHODS
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("cmd", [-1, COUNT, 99, FIRST_OWN + len(OWN_METHODS), 10**6])
def test_what_is_no_word(cmd):
    handler = CommandHandler()
    assert method_of(cmd) is None
    assert handler.cmd_ioctl(cmd) == ATINY_ARG_INVALID
    assert handler.supports(cmd) is False


@pytest.mark.parametrize("name", WORDS)
def test_what_is_not_overridden_is_not_supported(name):
    handler = CommandHandler()
    arg = {"ATINY_UPDATE_PSK": (b"id", b"key")}.get(name)
    if arg is None and re.match("ATINY_(SET|WRITE)_", name):
        arg = b"value"
    assert handler.cmd_ioctl(WORDS[name], arg) == (None if "_GET_" in name else ATINY_RESOURCE_NOT_FOUND)
    assert handler.supports(WORDS[name]) is False


class Overriding(CommandHandler):
    def get_cell_id(self):
        return 7

    def get_memory_total(self):
        return 512

    def set_timezone(self, timezone):
        self.timezone = timezone

    def update_psk(self, identity, key):
        self.psk = (identity, key)


def test_the_methods_answer():
    handler = Overriding()
    assert handler.cmd_ioctl(commands.ATINY_GET_CELL_ID) == 7
    assert handler.cmd_ioctl(commands.ATINY_GET_MEMORY_TOTAL, None) == 512
    assert handler.cmd_ioctl(commands.ATINY_SET_TIMEZONE, "Europe/Berlin") is None
    assert handler.timezone == "Europe/Berlin"
    assert handler.cmd_ioctl(commands.ATINY_UPDATE_PSK, (b"id", b"key")) is None
    assert handler.psk == (b"id", b"key")


class Derived(Overriding):
    def get_apn(self):
        return "internet"


class Logging(Overriding):
    def cmd_ioctl(self, cmd, arg=None):
        return super().cmd_ioctl(cmd, arg)


class Duck:
    def cmd_ioctl(self, cmd, arg):
        return cmd

    def supports(self, cmd):
        return cmd == commands.ATINY_GET_APN


def patched():
    handler = CommandHandler()
    handler.get_speed = lambda: 1.5
    return handler


CELL, TOTAL, APN, SPEED = (
    commands.ATINY_GET_CELL_ID,
    commands.ATINY_GET_MEMORY_TOTAL,
    commands.ATINY_GET_APN,
    commands.ATINY_GET_SPEED,
)


# What a host says of a word: True, False, or None: only asking shows it.
@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (CommandHandler(), {CELL: False, TOTAL: False, APN: False, SPEED: False}),
        (Overriding(), {CELL: True, TOTAL: True, APN: False, SPEED: False}),
        (Derived(), {CELL: True, TOTAL: True, APN: True, SPEED: False}),
        (patched(), {CELL: False, TOTAL: False, APN: False, SPEED: True}),
        (Logging(), {CELL: None, TOTAL: False, APN: False, SPEED: None}),
        (Duck(), {CELL: False, TOTAL: False, APN: True, SPEED: False}),
        (lambda cmd, arg: cmd, {CELL: None, TOTAL: False, APN: False, SPEED: None}),
    ],
    ids=["none", "overriding", "derived", "patched", "cmd_ioctl", "duck", "function"],
)
def test_what_a_host_is_known_to_support(handler, expected):
    host = Host(handler)
    assert {word: host.supports(word) for word in expected} == expected
