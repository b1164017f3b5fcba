"""Connectivity Monitoring, object 4 (OMA LwM2M 1.0, E.5), served by the host's command words."""

from ... import commands
from ..host import Host
from ..model import Resource
from ..types import INTEGER, STRING
from .host_object import HostObject


class Connectivity(HostObject):
    """The one instance of object 4.

    ``addresses()``: the device's own IP addresses, a list of str or None; asked where the host does not tell them.
    """

    object_id = 4
    resources = (
        Resource(0, "network_bearer", INTEGER, mandatory=True),
        Resource(1, "available_network_bearer", INTEGER, multiple=True, mandatory=True),
        Resource(2, "radio_signal_strength", INTEGER, mandatory=True, unit="dBm"),
        Resource(3, "link_quality", INTEGER),
        Resource(4, "ip_addresses", STRING, multiple=True, mandatory=True),
        Resource(5, "router_ip_addresses", STRING, multiple=True),
        Resource(6, "link_utilization", INTEGER, unit="%"),
        Resource(7, "apn", STRING, multiple=True),
        Resource(8, "cell_id", INTEGER),
        Resource(9, "smnc", INTEGER),
        Resource(10, "smcc", INTEGER),
    )
    words = [
        commands.ATINY_GET_NETWORK_BEARER,
        commands.ATINY_GET_AVAILABLE_BEARERS,
        commands.ATINY_GET_SIGNAL_STRENGTH,
        commands.ATINY_GET_LINK_QUALITY,
        commands.ATINY_GET_IP_ADDRESSES,
        commands.ATINY_GET_ROUTER_ADDRESSES,
        commands.ATINY_GET_LINK_UTILIZATION,
        commands.ATINY_GET_APN,
        commands.ATINY_GET_CELL_ID,
        commands.ATINY_GET_SMNC,
        commands.ATINY_GET_SMCC,
    ]

    def __init__(self, host: Host, addresses=None):
        HostObject.__init__(self, host)
        # The bearer in use is available, and no other is known.
        self.defaults[1] = lambda: self._get(commands.ATINY_GET_NETWORK_BEARER, None)
        self.defaults[4] = addresses
