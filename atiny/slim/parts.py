"""What a slim build is made of: the parts, and the profiles that choose among them.

The core is every module that no part has. A part adds modules; without it an attribute that would hold what it makes
stays None, and the public members that are of no use without it do not exist. `pick` checks these tables against the
imports, `optimize` folds them into the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import commands, errors


@dataclass(frozen=True)
class Part:
    """One part of the package that a build may have or not.

    ``modules``: what is of this part alone, dotted, without the package's name; ``a.*`` is all of a folder.
    ``attributes``: those that are None without the part, whosoever they are. ``members``: public names that do not
    exist without it, as ``Client.go_offline``. ``needs``: parts without which it has no meaning; those whose modules
    it imports are found by `pick` and not said here. ``file``: in which .mpy it is, besides the core's: for what is
    large, and loaded only by a device that comes to use it.
    """

    name: str
    summary: str
    modules: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    file: str = ""


# What no build has: the methods that only say what a host may write, what is for a developer's eyes, and the names of
# command words, which `atiny.__getattr__` knows by their methods.
DROPPED = (
    tuple("CommandHandler." + name for name in commands.METHODS + commands.OWN_METHODS)
    + tuple("%s.__repr__" % name for name in ("Message", "Resource", "ServerAccount"))
    + ("__dir__",)
    + tuple(name for name in dir(commands) if name.startswith("ATINY_") and not hasattr(errors, name))
)

_TABLE = (
    Part(
        "dtls",
        "DTLS with pre-shared keys: coaps servers",
        ("dtls.psk", "dtls.handshake", "dtls.micropython"),
        ("session",),
        ("Client.update_psk", "Client._update_psk"),
    ),
    Part("alerts", "the words for TLS alerts, instead of their numbers", ("dtls.alerts",)),
    Part(
        "threads",
        "a loop in a thread of its own: start(), with, and calls from other threads",
        ("threads", "adapter.micropython_threads"),
        ("threads", "bell", "mutex"),
        ("Client.start", "Client.__enter__", "Client.__exit__", "Platform.mutex", "Platform.default_mutex")
        + ("Platform.signal", "Platform.spawn", "Platform.thread_id"),
    ),
    Part("polled", "sockets without a descriptor, as of a modem", ("adapter.polled",), ("slow",)),
    Part("block", "block-wise transfers: values of more than 1 KiB, both ways", ("coap.blockwise",), ("block",)),
    Part(
        "stream",
        "values that are written block by block and never whole in memory",
        ("coap.stream", "lwm2m.streaming"),
        ("streams", "stream"),
    ),
    Part("create", "Create and Delete by the server", ("lwm2m.instances",)),
    Part("discover", "Discover by the server", ("lwm2m.discover",)),
    Part(
        "attributes",
        "Write-Attributes and the server's default periods: pmin, pmax, gt, lt, st",
        ("lwm2m.attributes",),
        ("attributes", "rules", "kept_attributes", "default_pmin_s", "default_pmax_s"),
    ),
    Part(
        "servers",
        "several servers, and the rights of each (Access Control, object 2)",
        ("lwm2m.access", "lwm2m.objects.access_control", "factory.several"),
        ("access",),
        ("ServerAccount",),
        ("backlog",),
    ),
    Part(
        "bootstrap",
        "bootstrap: by the server, by the client, and the SDK's sequence",
        ("lwm2m.bootstrapper", "lwm2m.bootstrap", "lwm2m.provision", "lwm2m.accounts", "factory.bootstrapped"),
        ("bootstrapper", "boot_mode"),
        ("Client.bootstrap", "ATINY_BOOTSTRAP_OK", "ATINY_BOOTSTRAP_FAIL")
        + ("BOOTSTRAP_FACTORY", "BOOTSTRAP_CLIENT_INITIATED", "BOOTSTRAP_SEQUENCE"),
        needs=("attributes",),
        file="bootstrap",
    ),
    Part(
        "records",
        "what is learnt outlives a restart: accounts, attributes",
        ("lwm2m.persistence", "lwm2m.record_codec", "adapter.micropython_store"),
        ("records", "store"),
        ("FileStore",),
        ("attributes",),
    ),
    Part("backlog", "reports that wait for one of several servers", ("lwm2m.backlog",), ("backlogs",)),
    Part(
        "queue",
        "queue mode (UQ): the device sleeps between its messages",
        ("lwm2m.queue_mode", "lwm2m.stored"),
        ("queue_mode", "unsent", "stored_in"),
        ("Client.sleep_until", "Loop.has_requests", "Loop._rest_link"),
    ),
    Part(
        "offline",
        "a network that the host takes away and brings back, and what waits until then",
        (),
        ("offline", "away_ms"),
        ("Client.go_offline", "Client.go_online"),
        ("queue", "backlog"),
    ),
    Part(
        "deferred",
        "an Execute that is answered when its work is done",
        ("lwm2m.deferred",),
        ("deferrals", "defer"),
        ("Deferred",),
    ),
    Part(
        "fota",
        "firmware update that the server pushes",
        ("fota.updater", "fota.intake", "fota.package", "fota.record", "fota.options", "fota.machine")
        + ("lwm2m.objects.firmware", "upgrade"),
        ("updater", "storage"),
        ("FirmwareOptions", "ATINY_FOTA_STATE", "FIRMWARE_UPDATE_STATE"),
        needs=("stream",),
        file="fota",
    ),
    Part(
        "pull",
        "firmware update that the device fetches by CoAP",
        ("fota.pull", "fota.download", "fota.coap_source", "fota.coap_uri", "coap.round_trip"),
        ("sources", "pull"),
        needs=("fota",),
        file="fota",
    ),
    Part("signature", "signed firmware", ("fota.signature",), ("signer",), needs=("fota",), file="fota"),
    Part("pem", "keys of signed firmware as PEM, besides as numbers", ("fota.pem",), needs=("signature",), file="fota"),
    Part(
        "slots",
        "SlotStorage: firmware as files",
        ("adapter.slots", "adapter.micropython_storage"),
        members=("SlotStorage",),
        file="fota",
    ),
    Part("json", "the JSON format", ("lwm2m.formats.json", "lwm2m.formats.json_syntax"), file="json"),
    Part(
        "device_errors",
        "the list of error codes that the device keeps (/3/0/11)",
        ("lwm2m.objects.device_errors",),
        ("kept_errors",),
        ("Client.device_error", "Client._device_error"),
    ),
    Part("optional", "objects that come when the host has an answer for them", (), ("_optional",)),
    Part("connectivity", "Connectivity Monitoring, object 4", ("lwm2m.objects.connectivity",), needs=("optional",)),
    Part("location", "Location, object 6", ("lwm2m.objects.location",), needs=("optional",)),
    Part("statistics", "Connectivity Statistics, object 7", ("lwm2m.objects.statistics",), ("statistics",)),
    Part("trace", "a log line for each message (log level debug)", ("trace", "coap.trace"), ("trace",)),
)  # fmt: skip

PARTS = {part.name: part for part in _TABLE}

# Each profile is the one before it and more.
CORE: frozenset[str] = frozenset()
DTLS = CORE | {"dtls"}
FULL = DTLS | {
    "block", "stream", "create", "discover", "attributes", "servers", "bootstrap", "records", "backlog", "queue",
    "fota", "pull", "signature",
}  # fmt: skip
PROFILES = {"core": CORE, "dtls": DTLS, "full": FULL}


def part_of(module: str) -> str | None:
    """The part that a module (dotted, with the package's name) is of; None: the core."""
    name = module.partition(".")[2]
    for part in _TABLE:
        for pattern in part.modules:
            if name == pattern or (pattern.endswith(".*") and name.startswith(pattern[:-1])):
                return part.name
    return None
