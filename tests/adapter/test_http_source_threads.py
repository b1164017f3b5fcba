"""Pulls by http: the thread, the loop it hands over to, and how either ends the other."""

import threading
import tracemalloc
from types import SimpleNamespace

import pytest

from atiny import Client
from atiny.adapter.http_source import CHUNK, QUEUE, HttpSource
from atiny.errors import NotSupported
from atiny.fota import machine
from atiny.fota.options import FirmwareOptions
from atiny.fota.updater import Updater
from atiny.testing import FakeStorageDevice, Simulation
from tests.adapter.http_files import TIMEOUT_S, HttpRig
from tests.fota.pull_rig import Device, Fetch, Receiver

pytest.importorskip("urllib3")


@pytest.fixture
def rig():
    rig = HttpRig(read_timeout_s=10)
    yield rig
    rig.close()


def test_a_silent_server():
    """The read time-out ends it; it is a lost connection like any other."""
    rig = HttpRig(read_timeout_s=0.05)
    try:
        rig.files.hold = threading.Event()
        rig.files.hold_at = 100_000
        rig.start()
        rig.hand_over.run_until(lambda: rig.download.deadline() is not None)
        assert "timed out" in str(rig.download.reason)
        assert rig.receiver.content == rig.files.content[:100_000]
        rig.files.hold.set()
        assert rig.run() == (None, True)
        assert rig.receiver.content == rig.files.content
    finally:
        rig.close()


def test_cancel_while_the_server_is_silent(rig):
    """The thread that reads ends at once, not with its time-out."""
    rig.files.hold = threading.Event()
    rig.files.hold_at = 100_000
    rig.start()
    rig.hand_over.run_until(lambda: len(rig.receiver.content) == 100_000)
    assert rig.files.holding.wait(TIMEOUT_S)
    rig.download.cancel()
    rig.download.cancel()
    assert rig.threads[0].join(5000)
    assert not rig.receiver.ends
    assert rig.hand_over.queue.empty()


def test_cancel_while_the_loop_is_busy(rig):
    """The thread waits for the loop, which cancels; what is in the queue is not heard."""
    rig.files.content = bytes(QUEUE * CHUNK * 4)
    rig.start()
    rig.hand_over.once()
    rig.download.cancel()
    assert rig.threads[0].join(TIMEOUT_S * 1000)
    while not rig.hand_over.queue.empty():
        rig.hand_over.once()
    assert rig.receiver.content == b""
    assert not rig.receiver.ends


def test_the_receiver_cancels(rig):
    rig.receiver.on_data = lambda data: rig.download.cancel()
    rig.start()
    rig.hand_over.run_until(lambda: rig.download.position)
    assert rig.threads[0].join(TIMEOUT_S * 1000)
    assert 0 < len(rig.receiver.content) <= CHUNK


def test_the_queue_is_bounded_and_memory_flat(rig):
    """The server sends 64 MiB as fast as it can; the loop takes them; nothing of them is kept."""
    size = 64 << 20
    rig.files.content = bytes(1 << 20)
    whole = rig.files.content

    class Long:
        """64 MiB that are not there."""

        def __len__(self):
            return size

        def __getitem__(self, key):
            assert key.stop is None
            return self

    def put(handler, data):
        for _ in range(size // len(whole)):
            handler.wfile.write(whole)

    rig.files.etag = '"x"'
    rig.files.content = Long()
    rig.files.put = put
    taken = [0]

    class Counter:
        def begin(self, etag, total, offset):
            assert total == size

        def data(self, data):
            taken[0] += len(data)
            assert len(data) <= CHUNK

        def end(self, error, final):
            rig.receiver.ends.append((error, final))

    rig.receiver.begin, rig.receiver.data = Counter().begin, Counter().data
    tracemalloc.start()
    try:
        rig.start()
        assert rig.run() == (None, True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken[0] == size
    assert rig.hand_over.most <= QUEUE
    assert peak < 4 << 20


def test_a_platform_without_threads():
    receiver = Receiver()
    source = HttpSource(Simulation().platform(), lambda function, argument: None)
    Fetch(Device(), "http://127.0.0.1/", [source], receiver).start()
    ((error, final),) = receiver.ends
    assert "no threads" in error
    assert final
    with pytest.raises(NotSupported):
        source.open("http://127.0.0.1/", 0, None, receiver)


def test_in_the_loop_of_a_client(rig):
    """The chunks come in the client's own thread."""
    client = Client("lamp", "coap://127.0.0.1:9")
    source = HttpSource(client.platform, client.loop.request)
    ended = threading.Event()
    threads = set()
    rig.receiver.on_data = lambda data: threads.add(threading.current_thread())
    end = rig.receiver.end
    rig.receiver.end = lambda error, final: (end(error, final), ended.set())
    download = Fetch(Device(), rig.uri, [source], rig.receiver)
    with client:
        client.loop.request(lambda argument, now: download.start(), None)
        assert ended.wait(TIMEOUT_S)
    assert rig.receiver.ends == [(None, True)]
    assert rig.receiver.content == rig.files.content
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_into_an_updater(rig):
    """With a break, and a restart of the device at the last checkpoint."""
    storage = FakeStorageDevice()
    options = FirmwareOptions(accept_raw=True, tries=2)
    agent = SimpleNamespace(
        clock=rig.clock,
        random=lambda n: bytes(n),
        host=None,
        offline=None,
        model_changed=lambda path: None,
        firmware_moved=lambda *told: None,
    )

    def power_on():
        updater = Updater(agent, storage, options)
        updater.sources.append(rig.source)
        updater.start()
        return updater

    def run(ended):
        while not ended():
            due = updater.deadline()
            if due is not None:
                rig.clock.ms = max(rig.clock.ms, due)
                updater.handle_timer()
            else:
                rig.hand_over.once()

    updater = power_on()
    rig.files.cut = [100_000]
    updater.set_uri(rig.uri)
    run(lambda: updater.done > 200_000)
    updater.stop()
    updater = power_on()
    run(lambda: updater.record.state != machine.DOWNLOADING)
    assert (updater.record.state, updater.record.result) == (machine.DOWNLOADED, machine.NONE_YET)
    assert storage.read_software(0, 300_000) == rig.files.content
    assert len(rig.ranges()) >= 4
    assert int(rig.ranges()[-1].removeprefix("bytes=").rstrip("-")) > 190_000
