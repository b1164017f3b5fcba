"""Firmware upgrades at the cloud: pushed, pulled by CoAP and HTTP, updated, against devices played on aiocoap."""

import asyncio
import random

import pytest

from atiny.cloud import Cloud, CloudError, FotaChanged, FotaProgress, UnknownDevice, UpgradePhase
from tests.cloud.firmware_device import FirmwareDevice, where
from tests.cloud.peers import on_a_loop

IMAGE = random.Random(5).randbytes(20_500)
WAYS = ("push", "coap", "http")


def begin(cloud, way, image=IMAGE, update=False):
    if way == "push":
        return cloud.fota_push("lamp", image, update=update)
    return cloud.fota_pull("lamp", image, update=update, by=way)


def phases(cloud):
    return [event.phase for event in cloud.events.of(FotaChanged)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 1024, 1025, 20_500])
@on_a_loop
async def test_the_package_comes_whole(way, size):
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        upgrade = begin(cloud, way, IMAGE[:size])
        assert await upgrade.wait(10) == UpgradePhase.DOWNLOADED
        assert device.image == IMAGE[:size]
        assert (upgrade.state, upgrade.result) == (2, 0)
        assert phases(cloud) == ["transfer", "downloaded"]
        told = cloud.events.of(FotaProgress)
        assert [event.done for event in told] == sorted({event.done for event in told})
        assert (told[-1].done, told[-1].total, upgrade.done, upgrade.total) == (size,) * 4
        if way != "push":
            assert where(upgrade.uri)[:2] == (way, "127.0.0.1")


@pytest.mark.parametrize("way", WAYS)
@on_a_loop
async def test_an_update_to_its_end(way):
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        upgrade = begin(cloud, way, update=True)
        assert await upgrade.wait(10) == UpgradePhase.SUCCESS
        assert phases(cloud) == ["transfer", "downloaded", "updating", "success"]
        assert set(cloud.device("lamp").observations) >= {"/5/0/3", "/5/0/5"}, "after the restart too"
        assert device.image == IMAGE


@on_a_loop
async def test_an_update_that_does_not_come_up():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        device.boots = False
        upgrade = begin(cloud, "push", update=True)
        assert await upgrade.wait(10) == UpgradePhase.FAIL
        assert upgrade.reason == "the update failed (result 8: update failed)"


@on_a_loop
async def test_an_update_afterwards():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url):
        nothing = cloud.fota_update("lamp")
        assert await nothing.wait(10) == UpgradePhase.FAIL
        assert "no package is downloaded" in nothing.reason
        assert await begin(cloud, "push").wait(10) == UpgradePhase.DOWNLOADED
        assert await cloud.fota_update("lamp").wait(10) == UpgradePhase.SUCCESS
        status = await cloud.fota_status("lamp")
        assert (status.state, status.result, status.name, status.version) == (0, 1, "lamp", None)
        assert str(status) == "state 0 (Idle), result 1 (updated successfully), package lamp"


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("push", "the device answered 4.00: no package"),
        ("coap", "the device gave it up (result 5: integrity check failed)"),
        ("http", "the device gave it up (result 5: integrity check failed)"),
    ],
)
@on_a_loop
async def test_a_bad_package(way, reason):
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        device.good = lambda image: False
        upgrade = begin(cloud, way)
        assert await upgrade.wait(10) == UpgradePhase.FAIL
        assert upgrade.reason == reason


@on_a_loop
async def test_a_device_that_has_a_package_already():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        device.state = 2
        upgrade = begin(cloud, "push", b"short")
        assert await upgrade.wait(10) == UpgradePhase.FAIL
        assert upgrade.reason == "the device answered 4.05: busy"


@pytest.mark.parametrize("szx", [0, 3, 5])
@on_a_loop
async def test_small_blocks_from_the_middle_by_coap(szx):
    image = IMAGE[:3000]
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        device.szx, device.back = szx, 1024
        assert await begin(cloud, "coap", image).wait(10) == UpgradePhase.DOWNLOADED
        assert device.image == image
        assert {response.opt.size2 for response in device.fetched} == {3000}
        assert len({response.opt.etag for response in device.fetched}) == 1
        assert {len(response.payload) for response in device.fetched} <= {16 << szx, 3000 % (16 << szx)}


@on_a_loop
async def test_from_the_middle_by_http():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        device.back = 1000
        assert await begin(cloud, "http").wait(10) == UpgradePhase.DOWNLOADED
        assert device.image == IMAGE
        assert device.fetched[-1].status == 206
        assert device.fetched[-1].headers["Content-Range"] == "bytes 1000-20499/20500"


@on_a_loop
async def test_one_at_a_time_and_cancelled():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        never = asyncio.Event()
        device.by_coap = never.wait
        upgrade = begin(cloud, "coap")
        await cloud.events.wait_for(FotaChanged, phase="transfer")
        with pytest.raises(CloudError, match="under way"):
            begin(cloud, "push")
        while not device.uri:
            await asyncio.sleep(0.01)
        await cloud.fota_cancel("lamp")
        assert await upgrade.wait(1) == UpgradePhase.CANCELLED
        assert (device.uri, device.state) == ("", 0)
        assert begin(cloud, "push") is cloud.fota.of("lamp")


@on_a_loop
async def test_what_was_downloaded_is_thrown_away():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        assert await begin(cloud, "push").wait(10) == UpgradePhase.DOWNLOADED
        await cloud.fota_cancel("lamp")
        assert device.state == 0
        assert phases(cloud) == ["transfer", "downloaded"]
        device.answers["/5/0/1"] = device.answers["/5/0/7"]
        with pytest.raises(CloudError, match="4.04"):
            await cloud.fota_cancel("lamp")


@on_a_loop
async def test_a_fault_of_ours_does_not_leave_anybody_waiting(caplog):
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url):
        cloud.fota._base = lambda endpoint, by: 1 / 0
        upgrade = begin(cloud, "coap")
        assert await upgrade.wait(5) == UpgradePhase.FAIL
        assert upgrade.reason.startswith("ZeroDivisionError")
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


@on_a_loop
async def test_the_cloud_stops():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        device.by_coap = asyncio.Event().wait
        upgrade = begin(cloud, "coap")
        await cloud.events.wait_for(FotaChanged)
        await cloud.stop()
        assert (await upgrade.wait(1), upgrade.reason) == (UpgradePhase.FAIL, "the cloud was stopped")


@on_a_loop
async def test_what_cannot_begin(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url):
        for file, message in ((b"", "empty"), (tmp_path / "empty", "empty"), (tmp_path / "gone", "cannot read")):
            with pytest.raises(CloudError, match=message):
                cloud.fota_push("lamp", file)
        with pytest.raises(UnknownDevice):
            cloud.fota_push("nobody", b"x")
        with pytest.raises(CloudError, match="by is"):
            cloud.fota_pull("lamp", b"x", by="ftp")
        upgrade = cloud.fota_pull("lamp", b"x", by="coaps")
        assert await upgrade.wait(5) == UpgradePhase.FAIL
        assert "no DTLS port" in upgrade.reason


@on_a_loop
async def test_a_device_without_firmware():
    async with Cloud(port=0) as cloud, FirmwareDevice(cloud.url) as device:
        del device.answers["/5/0/3"]
        device.answers["/5/0/3"] = device.answers["/5/0/7"]
        upgrade = begin(cloud, "push")
        assert await upgrade.wait(5) == UpgradePhase.FAIL
        assert upgrade.reason == "/5/0/3 of lamp was answered 4.04"
