"""A build on its way to a board: by mip from a web server, by the manifest into firmware."""

import functools
import http.server
import os
import subprocess
import threading
from pathlib import Path

from tests.tools import tool

SCRIPT = """
import mip
mip.install("http://127.0.0.1:%d/package.json", target=%r)
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def test_by_mip(builds, tmp_path):
    handler = functools.partial(Quiet, directory=str(builds.lib("dtls")))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script = SCRIPT % (server.server_address[1], str(tmp_path / "lib"))
        done = subprocess.run([tool("micropython"), "-c", script], capture_output=True, text=True, timeout=60)
        server.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    installed = {path.relative_to(tmp_path / "lib") for path in (tmp_path / "lib").rglob("*.mpy")}
    built = builds.folder("dtls")
    assert installed == {path.relative_to(built) for path in built.rglob("*.mpy")}
    asked = subprocess.run(
        [tool("micropython"), "-c", 'import atiny; print(atiny.Client("a", "coap://127.0.0.1").registered)'],
        env={**os.environ, "MICROPYPATH": f"{tmp_path / 'lib'}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.stdout == "False\n", asked.stdout + asked.stderr


def test_the_manifest_names_sources_that_compile(builds):
    folder = builds.lib("core")
    named = []
    manifest = (folder / "manifest.py").read_text()
    exec(manifest, {"package": lambda name, base_path, opt: named.append((name, base_path, opt))})
    assert named == [("atiny", "source", 3)]
    sources = sorted(path.relative_to(folder / "source") for path in (folder / "source" / "atiny").rglob("*.py"))
    files = sorted(path.relative_to(folder).with_suffix(".py") for path in (folder / "atiny").rglob("*.mpy"))
    assert sources == files
    for path in sources:
        compile((folder / "source" / path).read_text(), str(path), "exec")


def test_the_same_sources_give_the_same_bytes(builds, tmp_path):
    from atiny.slim.build import build, write
    from tests.slim.conftest import BUILDS

    write(build(BUILDS["core"]), tmp_path / "again")
    first, second = builds.lib("core"), tmp_path / "again"
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert [name for name in names if (first / name).read_bytes() != (second / Path(name)).read_bytes()] == []
