"""Many idle clients in one process: registers N of them with `Client.step` and says what each costs.

As a command it is the process that is measured: ``python -m tests.bench.many N HOST PORT`` prints its figures as JSON.
"""

import json
import resource
import subprocess
import sys
import time

from tests.bench.driver import HOST, Server, rss_kb

BATCH = 200  # clients that register at the same time
TIMEOUT_S = 120


def measure(count: int) -> "dict[str, float]":
    """Start the process against a server of the bench and return its figures."""
    server = Server()
    command = [sys.executable, "-m", "tests.bench.many", str(count), HOST, str(server.port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        server.serve(TIMEOUT_S, lambda: process.poll() is not None)
        output = process.communicate(timeout=5)[0]
    finally:
        process.kill()
        process.wait()
        server.close()
    figures: "dict[str, float]" = json.loads(output)
    if server.registered < count:
        raise ValueError(f"only {server.registered} of {count} clients registered")
    return figures


def main(count: int, host: str, port: str) -> None:
    from atiny import Client

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 3 * count + 100), hard), hard))
    clients: "list[Client]" = []

    def register(number: int) -> None:
        made = [Client(f"idle-{len(clients) + i}", f"coap://{host}:{port}") for i in range(number)]
        clients.extend(made)
        end = time.monotonic() + 20
        while not all(client.registered for client in made):
            for client in made:
                client.step()
            if time.monotonic() > end:
                raise TimeoutError("a client did not register")

    register(1)  # what the first one loads is no cost of the others
    before = rss_kb("self")
    while len(clients) < count:
        register(min(BATCH, count - len(clients)))
    grown = rss_kb("self") - before
    started = time.process_time()
    for client in clients:
        client.step()
    step_us = (time.process_time() - started) * 1e6 / count
    print(json.dumps({"clients": count, "kb_each": grown / (count - 1), "step_us": step_us}))
    for client in clients:
        client.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:4])
