"""One device and several clouds, each in a thread of its own: what one of them suffers is no concern of the others."""

import atiny
from atiny.cloud import CloudThread, Deregistered, Observed, Registered
from tests.cloud.dtls_peer import needs_dtls
from tests.cloud.scenarios import Lamp, clouds


def account(cloud: CloudThread, short_server_id: int, **fields) -> atiny.ServerAccount:
    return atiny.ServerAccount(cloud.url, short_server_id=short_server_id, **fields)


def test_a_device_registers_with_each():
    with clouds(2) as [first, second]:
        accounts = [account(first, 1, lifetime=300), account(second, 2, lifetime=600, rights="RWE")]
        with Lamp(accounts) as device:
            at_first, at_second = first.wait_registered("lamp"), second.wait_registered("lamp")
            assert [first.wait_for(Registered).lifetime_s, second.wait_for(Registered).lifetime_s] == [300, 600]
            for cloud in (first, second):
                cloud.wait_for(Observed)  # a report goes to those that observe by then
            assert device.client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
            assert [at.next_report().data for at in (at_first, at_second)] == [b"\x01", b"\x01"]
            assert at_first.command(b"\x02").wait(10) == "success"
            assert at_second.command(b"\x03").wait(10) == "success"
            assert device.commands == [b"\x02", b"\x03"]
        first.wait_for(Deregistered)
        second.wait_for(Deregistered)


def test_one_may_read_and_the_other_may_do_all():
    with clouds(2) as [first, second], Lamp([account(first, 1), account(second, 2)]):
        at_first, at_second = first.wait_registered("lamp"), second.wait_registered("lamp")
        assert at_second.read("/3/0/0").ok
        assert at_second.execute("/3/0/12").code_text == "4.01"
        assert at_second.write("/19/1/0", b"\x01").code_text == "4.01"
        assert at_first.execute("/3/0/12").code_text == "2.04"
        assert at_first.read("/2").ok
        # the owner gives the other one the right to write commands
        instances = at_first.read("/2").value
        [of_commands] = [id for id, rows in instances.items() if (rows[0], rows[1]) == (19, 1)]
        assert at_first.write(f"/2/{of_commands}/2", {2: 3}).ok
        assert at_second.write("/19/1/0", b"\x01").code_text == "2.04"


def test_one_that_is_not_there_does_not_slow_the_other():
    with clouds(2) as [first, second]:
        second.stop()
        with Lamp([account(second, 2), account(first, 1)]) as device:
            at_first = first.wait_registered("lamp")
            assert device.client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
            assert at_first.next_report().data == b"\x01"
            with CloudThread(port=second.port) as late:
                late.wait_registered("lamp")


def test_one_that_restarts_gets_the_device_again():
    with clouds(2) as [first, second], Lamp([account(first, 1), account(second, 2)], lifetime=1) as device:
        at_first = first.wait_registered("lamp")
        second.wait_registered("lamp")
        port = second.port
        second.stop()
        assert device.client.report(b"\x01").wait(10) == atiny.ReportStatus.SENT_SUCCESS
        assert at_first.next_report().data == b"\x01"
        with CloudThread(port=port) as again:
            again.wait_registered("lamp")
            assert again.device("lamp").read("/3/0/0").ok
        assert at_first.read("/3/0/0").ok


@needs_dtls
def test_each_has_a_key_of_its_own():
    with clouds(2, dtls_port=0) as [first, second]:
        accounts = []
        for number, cloud in ((1, first), (2, second)):
            given = cloud.own_account("lamp", short_server_id=number)
            accounts.append(
                atiny.ServerAccount(given.uri, short_server_id=number, psk=(given.identity, given.key), rights="RWE")
            )
        with Lamp(accounts):
            for cloud in (first, second):
                assert cloud.wait_registered("lamp").read("/3/0/0").ok
                assert cloud.wait_for(Registered).identity.startswith("lamp-")
