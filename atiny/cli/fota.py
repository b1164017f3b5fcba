"""Firmware upgrades in the command line: the console's ``fota``, and how their progress is shown."""

from __future__ import annotations

from typing import Any

from atiny.cloud import Cloud, Event, FotaProgress

from ..fota.machine import DOWNLOADING, NONE_YET, RESULTS, STATES
from .common import Output

HELP = """\
fota push EP FILE [--update]   write a firmware package to a device; then have it run it
fota pull EP FILE [--update]   have a device get it from here: --coap, --coaps or --http say how
fota update EP                 have a device run the package that it has
fota cancel EP                 end what is under way; the device throws away what it has got
fota status EP                 what a device says of its firmware"""

_FLAGS = {"push": {"--update"}, "pull": {"--update", "--coap", "--coaps", "--http"}}
_USAGE = "usage: fota push|pull EP FILE, or fota update|cancel|status EP"


async def run(cloud: Cloud, out: Output, verb: str, endpoint: str, *words: str) -> None:
    """A line of the console after ``fota``. Raises `CloudError`, and ValueError for what cannot be understood."""
    flags = {word for word in words if word.startswith("--")}
    files = [word for word in words if word not in flags]
    if flags - _FLAGS.get(verb, set()) or len(files) != (verb in _FLAGS) or len(flags - {"--update"}) > 1:
        raise ValueError(_USAGE)
    update = "--update" in flags
    if verb == "push":
        _begun(out, cloud.fota_push(endpoint, files[0], update=update))
    elif verb == "pull":
        by = next((flag[2:] for flag in flags if flag != "--update"), None)
        _begun(out, cloud.fota_pull(endpoint, files[0], update=update, by=by))
    elif verb == "update":
        _begun(out, cloud.fota_update(endpoint))
    elif verb == "cancel":
        await cloud.fota_cancel(endpoint)
        out.say("done", "answer", command="fota", endpoint=endpoint)
    elif verb == "status":
        status = await cloud.fota_status(endpoint)
        fields = dict(state=status.state, result=status.result, name=status.name, version=status.version)
        out.say(str(status), "answer", command="fota", endpoint=endpoint, **fields)
    else:
        raise ValueError(_USAGE)


def _begun(out: Output, upgrade: Any) -> None:
    text = f"firmware {upgrade.way} {upgrade.id} is begun"
    out.say(text, "answer", command="fota", endpoint=upgrade.endpoint, id=upgrade.id, way=upgrade.way)


def show_event(out: Output, event: Event, prefix: str, **fields: Any) -> None:
    """Say an event of the cloud's log; the progress of a transfer as a bar. ``prefix``: what a line begins with."""
    fields.update(event.as_dict())
    del fields["time"]  # the line has its own
    kind = fields.pop("event")
    if isinstance(event, FotaProgress):
        label = f"{event.endpoint}: firmware {event.way} {event.id}"
        out.progress(label, event.done, event.total, prefix + str(event), kind, **fields)
    else:
        out.say(prefix + str(event), kind, **fields)


def show_state(out: Output, arg: object, prefix: str = "", **fields: Any) -> None:
    """Say what a device's ATINY_FOTA_STATE tells; downloading as a bar. ``arg``: its (state, result, done, total)."""
    assert isinstance(arg, tuple)
    state, result, done, total = arg
    words = STATES[state] + (f", {RESULTS[result]}" if result != NONE_YET else "")
    fields.update(state=state, result=result, done=done, total=total)
    if state == DOWNLOADING and done:
        so_far = f"{done} bytes" if total is None else f"{done} of {total} bytes"
        out.progress(prefix + "firmware", done, total, f"{prefix}firmware: {so_far}", "firmware", **fields)
    else:
        out.say(f"{prefix}firmware: {words}", "firmware", **fields)
