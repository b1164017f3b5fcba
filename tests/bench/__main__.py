"""Measure atiny against its peers, interleaved, and print one markdown table (medians).

    python -m tests.bench                    # about a minute and a half
    python -m tests.bench --quick            # a look, not a measurement
    python -m tests.bench --only echo,aiocoap

Driver and client share one CPU, so that CPU time per request has no wake-ups across CPUs in it; it is read from the
kernel's accounting of the client (/proc/PID/task/*/schedstat) and does not depend on how fast the driver is.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from tests.bench import many, push
from tests.bench.driver import CONTENT, CONTENT_FORMAT, Process, Server

ROOT = Path(__file__).resolve().parents[2]
TLV = 11542
WARM_UP = 500
SETTLE_S = 0.3

CLIENTS = {
    "atiny": [sys.executable, "examples/minimal.py", "127.0.0.1", "{port}"],
    "aiocoap": [sys.executable, "-m", "tests.bench.peer_aiocoap", "127.0.0.1", "{port}"],
    "echo": [sys.executable, "-m", "tests.bench.peer_echo", "127.0.0.1", "{port}"],
}
PUSHED = {**CLIENTS, "atiny": [sys.executable, "-m", "tests.bench.push", "127.0.0.1", "{port}"]}
NAMES = {"atiny": "atiny", "aiocoap": "aiocoap client", "echo": "bare socket echo"}


class Row(NamedTuple):
    key: str
    label: str
    digits: int


ROWS = (
    Row("text_us", "CPU per GET /3/0/0, us", 1),
    Row("tlv_us", "CPU per GET /3/0 as TLV, us", 1),
    Row("block_us", "CPU per 1 KiB of a Block1 PUT, us", 1),
    Row("push_mbs", "pushed by Block1, MB/s", 1),
    Row("start_ms", "process start to Register, ms", 1),
    Row("idle_mb", "idle memory, MB", 1),
    Row("growth_mb", "memory growth, MB", 2),
)
PLAIN = ("push_mbs", "growth_mb")  # more is better, or there may be none: no ratio


def check_answers(server: Server) -> None:
    """A client that answers wrongly is not worth timing."""
    text, tlv = server.get("3/0/0"), server.get("3/0", TLV)
    if text.code != CONTENT or not text.payload:
        raise ValueError(f"GET /3/0/0 was answered {text}")
    if tlv.code != CONTENT or (CONTENT_FORMAT, TLV.to_bytes(2, "big")) not in tlv.options or not tlv.payload:
        raise ValueError(f"GET /3/0 as TLV was answered {tlv}")


def measure_cpu(command: "list[str]", requests: int) -> "dict[str, float]":
    """Start one client; its memory once idle, then its CPU time per request in both formats."""
    server = Server()
    with Process(command, server) as client:
        server.serve(SETTLE_S)
        found = {"start_ms": client.start_ms, "idle_mb": client.rss_kb() / 1000}
        check_answers(server)
        for key, path, accept in (("text_us", "3/0/0", None), ("tlv_us", "3/0", TLV)):
            server.load(path, accept, WARM_UP)
            before = client.cpu_us()
            server.load(path, accept, requests)
            found[key] = (client.cpu_us() - before) / requests
    server.close()
    return found


def measure_start(command: "list[str]") -> "dict[str, float]":
    server = Server()
    with Process(command, server) as client:
        found = {"start_ms": client.start_ms}
    server.close()
    return found


def measure_growth(command: "list[str]", requests: int) -> "dict[str, float]":
    """How much memory ``requests`` fresh requests leave behind, after a warm-up."""
    server = Server()
    with Process(command, server) as client:
        server.serve(SETTLE_S)
        server.load("3/0/0", None, WARM_UP)
        before = client.rss_kb()
        server.load("3/0/0", None, requests)
        found = {"growth_mb": (client.rss_kb() - before) / 1000}
    server.close()
    return found


def cell(row: Row, name: str, results: "dict[str, dict[str, float]]") -> str:
    """One figure; a peer's with its ratio to atiny's (above 1: atiny needs less)."""
    value = results[name].get(row.key)
    if value is None:
        return ""
    text = f"{value:.{row.digits}f}"
    ours = results.get("atiny", {}).get(row.key)
    if name != "atiny" and ours and row.key not in PLAIN:
        text += f" ({value / ours:.2f}x)"
    return text


def table(results: "dict[str, dict[str, float]]") -> str:
    """The markdown table: one row a figure, one column a client."""
    names = list(results)
    lines = ["| | " + " | ".join(NAMES[name] for name in names) + " |", "| --- |" + " ---: |" * len(names)]
    for row in ROWS:
        lines.append(f"| {row.label} | " + " | ".join(cell(row, name, results) for name in names) + " |")
    return "\n".join(lines)


def run(options: argparse.Namespace) -> "dict[str, dict[str, float]]":
    """Every measurement, clients interleaved so that a slow moment of the machine meets all of them."""
    names = options.only.split(",")
    samples: "dict[str, dict[str, list[float]]]" = {name: {} for name in names}

    def add(name: str, found: "dict[str, float]") -> None:
        for key, value in found.items():
            samples[name].setdefault(key, []).append(value)

    for _ in range(options.repeat):
        for name in names:
            add(name, measure_cpu(CLIENTS[name], options.requests))
    for _ in range(options.repeat if options.block1 else 0):
        for name in names:
            add(name, push.measure(PUSHED[name], options.block1))
    for _ in range(options.starts):
        for name in names:
            add(name, measure_start(CLIENTS[name]))
    if options.growth:
        for name in names:
            add(name, measure_growth(CLIENTS[name], options.growth))
    return {name: {key: statistics.median(values) for key, values in found.items()} for name, found in samples.items()}


def main(arguments: "list[str] | None" = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="atiny,aiocoap,echo", help="which of atiny, aiocoap, echo")
    parser.add_argument("--repeat", type=int, default=5, help="processes measured for each client")
    parser.add_argument("--requests", type=int, default=4000, help="requests timed in each process and format")
    parser.add_argument("--block1", type=int, default=2 << 20, help="bytes that are pushed to each (0: leave it out)")
    parser.add_argument("--starts", type=int, default=5, help="further starts timed for each client")
    parser.add_argument("--growth", type=int, default=50000, help="requests of the memory run (0: leave it out)")
    parser.add_argument("--clients", type=int, default=10000, help="idle clients in one process (0: leave it out)")
    parser.add_argument("--quick", action="store_true", help="one short repetition of everything")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    options = parser.parse_args(arguments)
    if options.quick:
        options.repeat, options.requests, options.starts = 1, 1000, 1
        options.growth, options.clients = min(options.growth, 5000), min(options.clients, 1000)
        options.block1 = min(options.block1, 1 << 20)
    if options.growth > 60000 or options.requests > 25000:
        parser.error("message ids would repeat within one process: at most 60000 and 25000 requests")
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # atiny's modules are compiled once, as an installed package's are
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results = run(options)
    idle = many.measure(options.clients) if options.clients and "atiny" in results else None
    if options.json:
        print(json.dumps({"clients": results, "idle_clients": idle}))
        return
    print(table(results))
    print(
        f"\nMedians of {options.repeat} processes with {options.requests} requests each; ratios are to atiny.", end=""
    )
    print(f" {options.block1} bytes were pushed, above the storage." if options.block1 else "", end="")
    print(f" Memory growth is over {options.growth} requests." if options.growth else "")
    if idle:
        print(
            f"\n{idle['clients']:.0f} idle clients in one process: {idle['kb_each']:.1f} kB each,"
            f" {idle['step_us']:.1f} us for a step with nothing to do."
        )


if __name__ == "__main__":
    main()
