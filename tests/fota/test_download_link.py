"""The link of a download: its speed, what else goes on meanwhile, going on after it broke or the device restarted."""

import gc
import tracemalloc

import pytest

from atiny import ReportStatus
from atiny.testing import Conditions
from tests.fota.pull_rig import Pull, Receiver, image

RTT_MS = 50
LOSS = 0.05
MEGABYTE = 1 << 20


def stop_and_wait_ms(blocks, rtt_ms=RTT_MS, loss=LOSS):
    """The least that can be expected of one block after the other, by a sender who knows the round trip.

    A block takes one round trip where neither request nor answer is lost, and else at least one more for each try.
    """
    return blocks * rtt_ms / (1 - loss) ** 2


def bad_link(seed):
    pull = Pull(seed)
    pull.network.uplink = Conditions(loss=LOSS, delay_ms=RTT_MS // 2)
    pull.network.downlink = Conditions(loss=LOSS, delay_ms=RTT_MS // 2)
    return pull


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_megabyte_over_a_link_that_loses(seed):
    pull = bad_link(seed)
    content = image(MEGABYTE)
    pull.files.put("/lamp.bin", content)
    pull.start()
    took = pull.run()
    assert pull.receiver.content == content
    bound = stop_and_wait_ms(MEGABYTE // 1024)
    print(f"{took / 1000:.1f} s, {took / bound:.2f} times what stop-and-wait allows ({bound / 1000:.1f} s)")
    assert took <= 1.3 * bound
    assert len(pull.receiver.begins) == 1, "nothing broke"
    assert pull.files.duplicates < 100, "what is sent again was lost"


def test_a_link_that_is_much_slower_than_usual():
    """Answers that take 6 seconds: after the first ones nothing is sent twice."""
    pull = Pull()
    pull.network.set(delay_ms=3000)
    content = image(100 * 1024)
    pull.files.put("/lamp.bin", content)
    pull.start()
    took = pull.run()
    assert pull.receiver.content == content
    assert took <= 101 * 6000
    assert pull.files.duplicates < 5


def test_a_server_that_becomes_slow():
    pull = Pull()
    content = image(100 * 1024)
    pull.files.put("/lamp.bin", content)
    pull.files.at(50 * 1024, lambda: pull.network.set(delay_ms=2000))
    pull.start()
    pull.run()
    assert pull.receiver.content == content
    assert len(pull.receiver.begins) == 1
    assert pull.files.duplicates < 30


def test_reports_go_on_while_it_downloads():
    """A report's acknowledgement comes as soon as without a download, and the download suffers none."""
    pull = Pull()
    pull.network.set(delay_ms=RTT_MS // 2)
    pull.simulation.run_until(lambda: pull.client.registered)
    pull.simulation.run(1000)
    content = image(100 * 1024)
    pull.files.put("/lamp.bin", content)
    pull.start()
    latencies = []
    while not pull.receiver.ends:
        begun = pull.simulation.now_ms
        blocks = len(pull.files.fetches)
        report = pull.client.report(b"21.5")
        pull.simulation.run_until(lambda: report.done)  # noqa: B023
        assert report.status == ReportStatus.SENT_SUCCESS
        latencies.append(pull.simulation.now_ms - begun)
        pull.simulation.run_until(lambda: pull.receiver.ends or len(pull.files.fetches) > blocks + 1)  # noqa: B023
    assert len(latencies) > 30
    assert max(latencies) <= RTT_MS, "not even by one block"
    took = pull.files.fetches[-1].time_ms - pull.files.fetches[0].time_ms
    assert took <= 100 * RTT_MS
    assert pull.receiver.content == content


def test_reports_go_on_while_a_block_is_lost():
    pull = Pull()
    pull.simulation.run_until(lambda: pull.client.registered)
    pull.simulation.run(1000)
    pull.files.silent = True
    pull.start()
    pull.simulation.run(10_000)
    begun = pull.simulation.now_ms
    report = pull.client.report(b"21.5")
    pull.simulation.run_until(lambda: report.done)
    assert pull.simulation.now_ms - begun <= 40
    assert pull.server.read("device", "/3/0/0") is not None
    assert not pull.receiver.ends
    pull.download.cancel()


@pytest.mark.parametrize("cut_ms", [60_000, 200_000, 400_000])
def test_a_lost_link(cut_ms):
    """It goes on at the byte where it ended; no block comes twice but those at the seam."""
    pull = Pull()
    content = image(50_000)
    pull.files.put("/lamp.bin", content)

    def cut():
        pull.network.partition()
        pull.network.call_at(pull.simulation.now_ms + cut_ms, pull.network.heal)

    pull.files.at(20_480, cut)
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    asked = [fetch.offset for fetch in pull.files.fetches]
    assert len(asked) - len(set(asked)) <= 2
    begins = [offset for _, _, offset in pull.receiver.begins]
    assert begins in ([0], [0, 20_480])


def test_a_link_that_is_lost_for_good():
    """Result 4: the receiver hears it once, with what the reason was, after ``tries`` attempts."""
    pull = Pull()
    pull.files.put("/lamp.bin", image(50_000))
    pull.files.at(20_480, pull.network.partition)
    pull.start()
    pull.run()
    ((error, final),) = pull.receiver.ends
    assert error == "the block at byte 19456: time-out"
    assert not final
    assert pull.receiver.content == image(50_000)[:20_480]
    assert pull.download.position == 20_480


def test_progress_gives_new_tries():
    """A link that breaks after each block: more failures than tries, but no two in a row."""
    pull = Pull()
    content = image(20_000)
    pull.files.put("/lamp.bin", content)
    for block in range(1, 20):
        pull.files.at(block * 1024, lambda: pull.files.fail("5.03"))
    pull.start()
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert len(pull.receiver.begins) == 20


# -- restarts of the device


@pytest.mark.parametrize("kept", [1, 100, 1023, 1024, 1025, 8192, 8192 + 272, 19_999, 20_000])
def test_goes_on_after_a_restart(kept):
    """At the byte that was stored last, be it in the middle of a block or the last of the image."""
    pull = Pull()
    content = image(20_000)
    file = pull.files.put("/lamp.bin", content)
    pull.receiver.content += content[:kept]
    pull.start(kept, file.etag)
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert pull.receiver.begins == [(file.etag, 20_000, kept)]
    assert pull.files.fetches[0].offset == (kept - 1) // 1024 * 1024
    assert sum(fetch.size for fetch in pull.files.fetches) <= 20_000 - kept + 1024


@pytest.mark.parametrize("size", [16, 64, 512])
@pytest.mark.parametrize("kept", [1, 1000, 1024, 5000])
def test_goes_on_after_a_restart_in_smaller_blocks(kept, size):
    pull = Pull()
    content = image(6000)
    file = pull.files.put("/lamp.bin", content)
    pull.files.block_size = size
    pull.receiver.content += content[:kept]
    pull.start(kept, file.etag)
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == content
    assert pull.receiver.begins == [(file.etag, 6000, kept)]


@pytest.mark.parametrize("length", [0, 500, 8192, 12_000, 20_000, 30_000])
def test_another_image_after_a_restart(length):
    pull = Pull()
    new = image(length, 2)
    file = pull.files.put("/lamp.bin", new)
    pull.receiver.content += image(20_000)[:8192]
    pull.start(8192, b"old")
    pull.run()
    assert pull.receiver.ends == [(None, True)]
    assert pull.receiver.content == new
    assert pull.receiver.begins == [(file.etag, length, 0)]


def test_a_server_that_forgot_the_tag_after_a_restart():
    pull = Pull()
    content = image(20_000)
    pull.files.put("/lamp.bin", content, etag=None)
    pull.receiver.content += content[:8192]
    pull.start(8192, b"old")
    pull.run()
    assert pull.receiver.content == content
    assert pull.receiver.begins == [(None, 20_000, 0)]


def test_power_off_and_on():
    pull = Pull()
    content = image(50_000)
    file = pull.files.put("/lamp.bin", content)
    pull.start()
    for _ in range(5):
        before = len(pull.receiver.content)
        pull.simulation.run_until(lambda: len(pull.receiver.content) > before + 5000)  # noqa: B023
        pull.restart(file.etag)
    pull.run()
    assert pull.receiver.content == content
    begins = [offset for _, _, offset in pull.receiver.begins]
    assert len(begins) == 6
    assert begins == sorted(begins)


# -- the host


def test_cancel():
    """Nothing is heard of it any more, and its link is closed."""
    pull = Pull()
    pull.files.put("/lamp.bin", image(50_000))
    pull.start()
    pull.simulation.run_until(lambda: len(pull.receiver.content) > 5000)
    kept = len(pull.receiver.content)
    pull.download.cancel()
    pull.download.cancel()
    pull.simulation.run(600_000)
    assert len(pull.receiver.content) == kept
    assert not pull.receiver.ends
    assert pull.links() == 1
    assert pull.client.registered


@pytest.mark.parametrize("at", [1, 1024, 5000, 20_000])
def test_the_receiver_cancels(at):
    """As when the storage is full."""
    pull = Pull()
    pull.files.put("/lamp.bin", image(20_000))

    def on_data(_):
        if len(pull.receiver.content) >= at:
            pull.download.cancel()

    pull.receiver.on_data = on_data
    pull.start()
    pull.simulation.run(600_000)
    assert not pull.receiver.ends
    assert len(pull.files.fetches) == (at + 1023) // 1024
    assert pull.links() == 1


def test_offline():
    """Nothing is sent without a network; with it, it goes on at once and where it ended."""
    pull = Pull()
    content = image(50_000)
    pull.files.put("/lamp.bin", content)
    pull.start()
    pull.simulation.run_until(lambda: len(pull.receiver.content) > 20_000)
    pull.client.go_offline()
    pull.download.go_offline()
    pull.simulation.run(1000)
    sent = pull.network.sent
    pull.simulation.run(3_600_000)
    assert pull.network.sent == sent
    assert pull.download.deadline() is None
    pull.client.go_online()
    pull.simulation.run(0)
    pull.download.go_online()
    assert pull.run() < 3000
    assert pull.receiver.content == content


def test_a_host_that_is_offline_from_the_beginning():
    pull = Pull()
    pull.files.put("/lamp.bin", b"hello")
    pull.client.go_offline()
    pull.simulation.run(1000)
    pull.start()
    pull.simulation.run(1000)
    assert pull.network.sent == 0 or not pull.files.fetches
    assert pull.download.deadline() is None
    assert pull.links() == 0
    pull.download.cancel()


def test_stopping_the_device():
    pull = Pull()
    pull.files.put("/lamp.bin", image(50_000))
    pull.start()
    pull.simulation.run_until(lambda: len(pull.receiver.content) > 20_000)
    pull.client.stop(wait=False)
    pull.download.cancel()
    pull.simulation.run_until(lambda: pull.client.stopped)
    assert pull.links() == 0


def test_downloads_one_after_the_other_use_one_link_number():
    pull = Pull()
    pull.simulation.run_until(lambda: pull.client.registered)
    for size in range(20):
        pull.receiver = Receiver()
        content = image(1000 * size)
        pull.files.put("/lamp.bin", content)
        pull.start()
        pull.run()
        assert pull.receiver.content == content
    assert len(pull.agent.servers.connections) <= 3


@pytest.mark.slow
def test_memory_is_flat():
    """Nothing of what has gone through is kept."""
    part = 32 * 1024
    pull = Pull()
    pull.network.trace = type(pull.network.trace)(maxlen=10)
    pull.files.put("/lamp.bin", image(10 * part))
    pull.receiver.on_data = lambda data: pull.receiver.content.clear()
    marks = []

    def forget():
        """What the server keeps is not the device's."""
        pull.files.fetches.clear()
        pull.files.restart()
        gc.collect()  # it empties the runtime's free lists too
        marks.append(tracemalloc.get_traced_memory()[0])

    for step in range(10):
        pull.files.at(step * part + 1024, forget)
    tracemalloc.start()
    try:
        pull.start()
        pull.run()
    finally:
        tracemalloc.stop()
    assert pull.receiver.ends == [(None, True)]
    assert len(marks) == 10
    assert max(marks[2:]) - min(marks[2:]) < part // 4, marks
