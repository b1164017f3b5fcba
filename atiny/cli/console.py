"""The console of ``atiny cloud``: commands to the cloud, one a line."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from typing import Any

from atiny.cloud import Cloud, CloudError, Response
from atiny.cloud.events import plain
from atiny.cloud.keys import shown
from atiny.cloud.values import TLV

from . import fota
from .common import Failure, Output, from_hex

HELP = """\
devices                        who is registered
read EP PATH [FORMAT]          Read; FORMAT is the number of a Content-Format
discover EP PATH               Discover
write EP PATH VALUE            Write (replace); VALUE is text, or hex:CAFE for bytes, or tlv:C10D05
update EP PATH VALUE           Write (update)
exec EP PATH [ARGUMENTS]       Execute
create EP PATH [TLV-HEX]       Create an instance
delete EP PATH                 Delete an instance
observe EP PATH                Observe
cancel EP PATH [HOW]           end an observation; HOW is token, path or reset
attributes EP PATH NAME=VALUE  Write-Attributes: pmin, pmax, gt, lt, st; NAME alone unsets it
bootstrap EP                   have a device ask its bootstrap server (Execute /1/0/9); bootstrap one that is not
                               registered where it was last heard
command EP HEX [SECONDS]       queue a command to /19/1/0; SECONDS it may wait, 0 is now or never
"""
HELP += fota.HELP + "\nhelp, quit"


class Console:
    """Understands one line at a time; the answers go to ``out``."""

    def __init__(self, cloud: Cloud, out: Output):
        self._cloud = cloud
        self._out = out
        self._commands: dict[str, tuple[int, int, Callable[..., Awaitable[None]]]] = {
            "devices": (0, 0, self._devices),
            "read": (2, 3, self._read),
            "discover": (2, 2, self._discover),
            "write": (3, 3, self._write),
            "update": (3, 3, self._update),
            "exec": (2, 3, self._exec),
            "create": (2, 3, self._create),
            "delete": (2, 2, self._delete),
            "observe": (2, 2, self._observe),
            "cancel": (2, 3, self._cancel),
            "attributes": (3, 8, self._attributes),
            "bootstrap": (1, 1, self._bootstrap),
            "command": (2, 3, self._command),
            "fota": (2, 5, self._fota),
            "help": (0, 0, self._help),
        }

    async def handle(self, line: str) -> bool:
        """Carry out a line; returns whether to go on. What goes wrong is said, not raised."""
        try:
            words = shlex.split(line, comments=True)
        except ValueError as problem:
            self._error(str(problem))
            return True
        if not words:
            return True
        name, *arguments = words
        if name in ("quit", "exit"):
            return False
        if name not in self._commands:
            self._error(f"{name} is no command: try help")
            return True
        least, most, run = self._commands[name]
        if not least <= len(arguments) <= most:
            usage = next((text for text in HELP.splitlines() if text.startswith(name + " ")), name)
            self._error(f"usage: {usage.strip()}")
            return True
        try:
            await run(*arguments)
        except (CloudError, Failure, ValueError) as problem:
            self._error(problem.message if isinstance(problem, Failure) else str(problem))
        return True

    def _error(self, message: str) -> None:
        self._out.say(f"error: {message}", "failed", message=message)

    def _answer(self, name: str, response: Response | None, value: Any = None) -> None:
        if response is None:
            self._out.say("done", "answer", command=name)
            return
        value = plain(response.value if value is None else value) if response.payload else None
        if not response.ok and response.payload:
            value = response.payload.decode(errors="replace")  # RFC 7252 5.5.2: a diagnostic message
        said = "" if value is None else f" {value}"
        if response.location is not None:
            said += f" {response.location}"
        self._out.say(
            response.code_text + said,
            "answer",
            command=name,
            path=response.path,
            code=response.code_text,
            format=response.content_format,
            value=value,
            location=response.location,
        )

    async def _help(self) -> None:
        self._out.say(HELP, "help", lines=HELP.splitlines())

    async def _devices(self) -> None:
        devices = self._cloud.devices
        if not devices:
            self._out.say("no device is registered", "devices", devices=[])
            return
        rows = []
        for device in devices:
            registration = device.registration
            assert registration is not None
            rows.append(
                {
                    "endpoint": device.endpoint,
                    "address": registration.address,
                    "identity": "" if registration.identity is None else shown(registration.identity),
                    "lifetime_s": registration.lifetime_s,
                    "binding": registration.binding,
                    "objects": plain(registration.objects.objects),
                    "observed": sorted(device.observations),
                    "waiting": len(device.commands),
                    "reachable": device.reachable,
                }
            )
        text = "\n".join(
            f"{row['endpoint']}  {row['address']}  {'DTLS' if row['identity'] else 'UDP'}"
            f"  lifetime {row['lifetime_s']} s  binding {row['binding']}"
            f"  observed {' '.join(row['observed']) or '-'}"
            + ("" if row["reachable"] else f"  out of reach, {row['waiting']} commands wait")
            for row in rows
        )
        self._out.say(text, "devices", devices=rows)

    async def _read(self, endpoint: str, path: str, accept: str | None = None) -> None:
        wanted = None if accept is None else int(accept)
        self._answer("read", await self._cloud.device(endpoint).read(path, wanted))

    async def _discover(self, endpoint: str, path: str) -> None:
        self._answer("discover", await self._cloud.device(endpoint).discover(path))

    async def _write(self, endpoint: str, path: str, value: str, replace: bool = True) -> None:
        content_format = TLV if value.startswith("tlv:") else None
        data: str | bytes = value
        if value.startswith(("tlv:", "hex:")):
            data = from_hex(value[4:])
        device = self._cloud.device(endpoint)
        self._answer("write", await device.write(path, data, content_format, replace=replace))

    async def _update(self, endpoint: str, path: str, value: str) -> None:
        await self._write(endpoint, path, value, replace=False)

    async def _exec(self, endpoint: str, path: str, arguments: str = "") -> None:
        self._answer("exec", await self._cloud.device(endpoint).execute(path, arguments))

    async def _create(self, endpoint: str, path: str, payload: str | None = None) -> None:
        data = b"" if payload is None else from_hex(payload)
        self._answer("create", await self._cloud.device(endpoint).create(path, data))

    async def _delete(self, endpoint: str, path: str) -> None:
        self._answer("delete", await self._cloud.device(endpoint).delete(path))

    async def _observe(self, endpoint: str, path: str) -> None:
        self._answer("observe", await self._cloud.device(endpoint).observe(path))

    async def _cancel(self, endpoint: str, path: str, how: str = "token") -> None:
        self._answer("cancel", await self._cloud.device(endpoint).cancel(path, how))

    async def _attributes(self, endpoint: str, path: str, *pairs: str) -> None:
        attributes: dict[str, Any] = {}
        for pair in pairs:
            name, mark, value = pair.partition("=")
            attributes[name] = value if mark else None
        self._answer("attributes", await self._cloud.device(endpoint).write_attributes(path, **attributes))

    async def _bootstrap(self, endpoint: str) -> None:
        if self._cloud.device(endpoint).registered or self._cloud.bootstrap_server is None:
            self._answer("bootstrap", await self._cloud.trigger_bootstrap(endpoint))
            return
        result = await self._cloud.bootstrap(endpoint)
        text = "done" if result.ok else f"error: {result.reason}"
        self._out.say(text, "answer", command="bootstrap", ok=result.ok, reason=result.reason)

    async def _command(self, endpoint: str, data: str, expire_s: str = "172800") -> None:
        command = self._cloud.command(endpoint, from_hex(data), float(expire_s))
        self._out.say(f"command {command.id} is queued", "queued", id=command.id)

    async def _fota(self, verb: str, endpoint: str, *words: str) -> None:
        await fota.run(self._cloud, self._out, verb, endpoint, *words)
