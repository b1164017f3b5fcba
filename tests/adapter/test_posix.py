"""The POSIX platform: hardware, mutex, signal, threads, files, and what importing it costs."""

import io
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from atiny.adapter import Platform, posix
from atiny.errors import ParameterError
from atiny.testing import PowerCut, check_hardware, check_mutex, check_store

JOIN_MS = 5000


def test_the_runtimes_platform_is_this_one():
    assert Platform is posix.Platform
    platform = Platform()
    assert type(platform.socket()) is posix.Socket
    assert type(platform.mutex()) is posix.Mutex
    assert type(platform.hardware) is posix.Hardware


def test_the_package_has_no_other_lazy_name():
    import atiny.adapter

    with pytest.raises(AttributeError, match="no attribute 'Sockets'"):
        _ = atiny.adapter.Sockets


def test_importing_loads_nothing_heavy():
    """A device is to be on the wire 45 ms after its process began; each of these takes 2 to 30 of them."""
    code = (
        "import sys; before = set(sys.modules); import atiny.adapter.posix as p; p.Platform(); "
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    loaded = set(run.stdout.split())
    assert "atiny.adapter.posix_net" in loaded
    heavy = {"threading", "socket", "selectors", "asyncio", "typing", "logging", "enum", "re", "encodings.idna"}
    assert not loaded & heavy


def test_hardware_keeps_the_contract(capfd):
    assert len(check_hardware(posix.Hardware)) == 9
    assert "atiny: conformance check\n" in capfd.readouterr().err


def test_the_log_survives_a_process_without_stderr(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    posix.Hardware().printf("nobody reads this")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    posix.Hardware().printf("nor this")


def test_memory_where_there_is_no_proc(monkeypatch):
    free, total = posix.Hardware().memory()
    assert 0 < free < total

    def no_proc(*_):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", no_proc)
    elsewhere = posix.Hardware().memory()
    assert abs(elsewhere[1] - total) < total // 10

    def no_sysconf(_):
        raise ValueError

    monkeypatch.setattr(os, "sysconf", no_sysconf)
    assert posix.Hardware().memory() == (0, 0)


def test_mutex_keeps_the_contract():
    assert len(check_mutex(posix.Mutex)) == 5


# -- signals and threads


def test_a_signal_that_is_not_raised_is_waited_for():
    signal = posix.Signal()
    start = time.monotonic()
    assert not signal.wait(0)
    assert not signal.wait(-5)
    assert not signal.wait(30)
    assert 0.02 < time.monotonic() - start < 2


def test_a_raised_signal_stays_raised():
    signal = posix.Signal()
    signal.set()
    signal.set()
    assert signal.wait(0)
    assert signal.wait(None)


def test_a_signal_lets_every_waiter_go_on():
    signal = posix.Signal()
    results = []
    waiters = [threading.Thread(target=lambda: results.append(signal.wait(JOIN_MS))) for _ in range(5)]
    for waiter in waiters:
        waiter.start()
    raisers = [threading.Thread(target=signal.set) for _ in range(3)]
    for thread in raisers:
        thread.start()
    for thread in waiters + raisers:
        thread.join(JOIN_MS / 1000)
    assert results == [True] * 5


def test_spawn_runs_a_daemon_thread():
    platform = Platform()
    seen = []
    gate = posix.Signal()

    def run():
        gate.wait(JOIN_MS)
        seen.append((platform.thread_id(), threading.current_thread().daemon))

    thread = platform.spawn(run)
    assert not thread.join(1)
    gate.set()
    assert thread.join(JOIN_MS)
    assert thread.join()
    assert seen[0][1]
    assert seen[0][0] != platform.thread_id()


def test_a_thread_does_not_wait_for_itself():
    platform = Platform()
    own, results = [], []
    ready = posix.Signal()

    def run():
        ready.wait(JOIN_MS)
        results.append(own[0].join(JOIN_MS))

    own.append(platform.spawn(run))
    ready.set()
    assert own[0].join(JOIN_MS)
    assert results == [False]


# -- files


def test_files_keep_the_contract(tmp_path):
    folder = str(tmp_path / "a" / "b")
    assert len(check_store(lambda: posix.FileStore(folder))) == 6
    assert os.listdir(folder) == []


def test_only_the_owner_reads_a_record(tmp_path):
    folder = tmp_path / "keys"
    store = posix.FileStore(str(folder))
    store.put("psk", b"secret")
    assert stat.S_IMODE((folder / "psk.rec").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", [".", "..", "a.rec", "a.new", "a"])
def test_every_legal_name_is_a_file_of_its_own(tmp_path, name):
    store = posix.FileStore(str(tmp_path))
    others = [other for other in (".", "..", "a.rec", "a.new", "a", "a.rec.new") if other != name]
    for other in others:
        store.put(other, other.encode())
    store.put(name, b"mine")
    assert store.get(name) == b"mine"
    assert [store.get(other) for other in others] == [other.encode() for other in others]


@pytest.mark.parametrize("use", [lambda s, n: s.get(n), lambda s, n: s.put(n, b""), lambda s, n: s.delete(n)])
def test_a_name_does_not_lead_out_of_the_folder(tmp_path, use):
    with pytest.raises(ParameterError):
        use(posix.FileStore(str(tmp_path)), "../escaped")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_power_cut_leaves_the_old_record(tmp_path, monkeypatch, step):
    store = posix.FileStore(str(tmp_path))
    store.put("state", b"old")

    def cut(*_):
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(os, step, cut)
        with pytest.raises(PowerCut):
            store.put("state", b"new, and longer")
    assert posix.FileStore(str(tmp_path)).get("state") == b"old"
    store.put("state", b"newer")
    assert store.get("state") == b"newer"
    assert os.listdir(tmp_path) == ["state.rec"]


def test_a_failed_put_leaves_the_old_record_and_nothing_else(tmp_path, monkeypatch):
    store = posix.FileStore(str(tmp_path))
    store.put("state", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            store.put("state", b"new")
    assert store.get("state") == b"old"
    assert os.listdir(tmp_path) == ["state.rec"]
