"""The device's log: its levels, and what each shows of a life on the virtual network."""

import re

import pytest

from atiny import LOG_DEBUG, LOG_ERR, LOG_INFO, LOG_OFF, LOG_WARNING, CommandHandler

LINE = re.compile(r"atiny: \d+ (<-|->) 0 (CON|NON|ACK|RST) (empty|[A-Z]+|\d\.\d\d) mid=\d+ token=\S+ \S+ \d+ B$")


class Broken(CommandHandler):
    def get_battery_level(self):
        raise RuntimeError("no gauge")


def live(simulation, level, refused=False):
    """The log of a device that registers, reports, is asked for what its host cannot read, and stops."""
    server = simulation.server(auto_observe=("/19/0/0",))
    if refused:
        server.reject_registrations(0x83, 1)
    platform = simulation.platform("logged")
    platform.log_level = level
    client = simulation.client("logged", device=Broken(), platform=platform)
    simulation.run_until(lambda: client.registered, 60000)
    report = client.report(b"secret reading")
    simulation.run_until(lambda: report.done, 60000)
    asked = server.read("logged", "/3/0/9")
    simulation.run_until(lambda: asked.done, 60000)
    client.stop(wait=False)
    simulation.run_until(lambda: client.stopped, 60000)
    return platform.log


def test_debug_shows_each_message_on_one_line_and_no_payload(atiny_simulation):
    log = live(atiny_simulation, LOG_DEBUG)
    messages = [line for line in log if LINE.match(line)]
    assert len(messages) >= 10
    assert [line.split()[5] for line in messages[:2]] == ["POST", "2.01"]
    assert any(" <- 0 CON GET " in line and " /19/0/0 " in line for line in messages)
    assert any(" -> 0 CON DELETE " in line for line in messages)
    assert "secret" not in "".join(log)
    assert [line for line in log if line not in messages] == [
        "atiny: registered: 123",
        "atiny: subscribed: /19/0/0",
        "atiny: the handler of /3/0/9 raised RuntimeError('no gauge')",
    ]


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        (LOG_INFO, 4),
        (LOG_WARNING, 2),
        (LOG_ERR, 1),
        (LOG_OFF, 0),
    ],
)
def test_a_level_shows_itself_and_what_is_above(atiny_simulation, level, lines):
    log = live(atiny_simulation, level, refused=True)
    assert len(log) == lines
    assert any("raised" in line for line in log) == (level <= LOG_ERR)
    assert any("not registered: Register: 4.03" in line for line in log) == (level <= LOG_WARNING)
    assert any("subscribed" in line for line in log) == (level <= LOG_INFO)
