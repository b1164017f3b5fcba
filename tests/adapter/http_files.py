"""A real HTTP file server on loopback that does as it is told; a loop to hand things over to; both in a rig."""

import hashlib
import queue
import random
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from atiny.adapter import Platform
from atiny.adapter.http_source import HttpSource
from tests.fota.pull_rig import Device, Fetch, Receiver

TIMEOUT_S = 20  # of what must come at once


class Files:
    """``content``, ``etag`` (AUTO: of the content). ``ranges``: whether it gives parts. ``requests``: (path, headers).

    ``cut``: offset in the file behind which the connection breaks, once for each entry of the list. ``answers``: for
    each of the next requests (status, headers, body) instead of the file. ``alter(status, headers)``: changes what is
    answered. ``chunked``; ``hold``: an Event that is waited for after ``hold_at`` bytes. ``holding``: set meanwhile.
    """

    def __init__(self, content=b"", tls=None):
        self.content = content
        self.etag = ""
        self.tagged = True
        self.ranges = True
        self.requests = []
        self.cut = []
        self.answers = []
        self.alter = None
        self.chunked = False
        self.hold = None
        self.hold_at = 0
        self.holding = threading.Event()
        self.broken = threading.Event()  # a connection was closed by the other side
        files = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                try:
                    files.answer(self)
                except (OSError, ssl.SSLError):
                    self.close_connection = True
                    files.broken.set()

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                files.broken.set()

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        if self.hold is not None:
            self.hold.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def tag(self):
        return self.etag or '"%s"' % hashlib.sha256(self.content).hexdigest()[:32]

    def answer(self, handler):
        self.requests.append((handler.path, dict(handler.headers)))
        if self.answers:
            status, headers, body = self.answers.pop(0)
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
            return
        start, status = 0, 200
        wanted = handler.headers.get("Range")
        condition = handler.headers.get("If-Range")
        if wanted and self.ranges and (condition is None or condition == self.tag):
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
        content = self.content
        headers = {"Content-Length": str(len(content) - start)}
        if self.tagged:
            headers["ETag"] = self.tag
        if start >= len(content) and status == 206:
            status, headers = 416, {"Content-Range": "bytes */%d" % len(content), "Content-Length": "0"}
        elif status == 206:
            headers["Content-Range"] = "bytes %d-%d/%d" % (start, len(content) - 1, len(content))
        if self.chunked:
            del headers["Content-Length"]
            headers["Transfer-Encoding"] = "chunked"
        if self.alter is not None:
            status = self.alter(status, headers) or status
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if status == 416:
            return
        self.write(handler, content[start:], start)

    def write(self, handler, body, start):
        end = self.cut.pop(0) - start if self.cut else None
        part = body if end is None else body[: max(0, end)]
        if self.hold is not None and start <= self.hold_at < start + len(part):
            self.put(handler, part[: self.hold_at - start])
            part = part[self.hold_at - start :]
            self.holding.set()
            self.hold.wait(TIMEOUT_S)
        self.put(handler, part)
        if end is not None:
            handler.close_connection = True
        elif self.chunked:
            handler.wfile.write(b"0\r\n\r\n")

    def put(self, handler, data):
        for index in range(0, len(data), 50_000):
            piece = data[index : index + 50_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if self.chunked else piece)
        handler.wfile.flush()


class HandOver:
    """Stands for the loop: what threads hand over is done in the thread that calls `run_until`."""

    def __init__(self):
        self.queue = queue.Queue()
        self.most = 0  # that ever waited

    def request(self, function, argument):
        self.queue.put((function, argument))
        self.most = max(self.most, self.queue.qsize())

    def once(self):
        function, argument = self.queue.get(timeout=TIMEOUT_S)
        function(argument, 0)

    def run_until(self, ended):
        while not ended():
            self.once()


class HttpRig:
    """A server, a hand-over, and one download after the other."""

    def __init__(self, **source):
        self.files = Files(random.Random(1).randbytes(300_000))
        self.hand_over = HandOver()
        self.platform = Platform()
        self.threads = []
        spawn = self.platform.spawn
        self.platform.spawn = lambda function: self.threads.append(spawn(function))
        self.source = HttpSource(self.platform, self.hand_over.request, **source)
        self.receiver = Receiver()
        self.device = Device()
        self.device.clock.ms = 0
        self.clock = self.device.clock
        self.uri = "http://127.0.0.1:%d/lamp.bin?v=2" % self.files.port

    def start(self, offset=0, etag=None):
        self.download = Fetch(self.device, self.uri, [self.source], self.receiver)
        self.download.start(offset, etag)

    def run(self):
        """Until the end; waits between tries are over at once."""
        while not self.receiver.ends:
            due = self.download.deadline()
            if due is not None:
                self.clock.ms = due
                self.download.handle_timer()
            else:
                self.hand_over.once()
        return self.receiver.ends[0]

    def close(self):
        if self.files.hold is not None:
            self.files.hold.set()
        self.files.close()
        for thread in self.threads:
            assert thread.join(TIMEOUT_S * 1000)

    def ranges(self):
        return [headers.get("Range") for _, headers in self.files.requests]

    def begins(self):
        return [offset for _, _, offset in self.receiver.begins]
