"""Upgrades of our own device by our own cloud: every way, over UDP and DTLS, signed and not."""

import threading

import pytest

import atiny
from atiny.cloud import CloudThread, Error, UpgradePhase
from atiny.fota.build import build
from tests.cloud.dtls_peer import HAS_DTLS

IMAGE = bytes(range(256)) * 300  # 76800 bytes


class Host(atiny.CommandHandler):
    def __init__(self):
        self.restarting = threading.Event()

    def do_dev_reboot(self):
        self.restarting.set()
        return atiny.ATINY_OK


@pytest.mark.parametrize("secured", [False, pytest.param(True, marks=pytest.mark.skipif(not HAS_DTLS, reason="DTLS"))])
@pytest.mark.parametrize("way", ["push", "pull", "http"])
def test_an_upgrade(way, secured, tmp_path):
    psk = ("lamp", b"0123456789abcdef") if secured else None
    host = Host()
    with CloudThread(port=0, **(dict(dtls_port=0, psk=dict([psk])) if psk else {})) as cloud:

        def start():
            storage = atiny.SlotStorage(str(tmp_path))
            storage.boot()
            url = cloud.secure_url if secured else cloud.url
            platform = atiny.Platform(storage=storage)
            return atiny.Client("lamp", url, psk=psk, device=host, platform=platform, lifetime=60)

        with start() as client:
            assert client.wait_registered(5)
            cloud.wait_registered("lamp")
            if way == "push":
                upgrade = cloud.fota_push("lamp", build(IMAGE), update=True)
            else:
                upgrade = cloud.fota_pull("lamp", build(IMAGE), update=True, by="http" if way == "http" else None)
            assert host.restarting.wait(10), (upgrade.phase, upgrade.reason)
            uri = upgrade.upgrade.uri
            assert uri.partition(":")[0] == {"push": "", "pull": "coaps" if secured else "coap", "http": "http"}[way]
        with start() as client:
            assert client.wait_registered(5)
            assert upgrade.wait(10) == UpgradePhase.SUCCESS, upgrade.reason
            assert cloud.fota_status("lamp").result == 1
        assert not [event for event in cloud.events if isinstance(event, Error)]
    assert (tmp_path / "current").read_bytes() == IMAGE
