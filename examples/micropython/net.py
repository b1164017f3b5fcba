"""Joins the network that config.py names: Wi-Fi or Ethernet, with an address by DHCP or a static one."""

import time

import config
import network

TIMEOUT_S = 30


def connect():
    """Returns the interface once it is up. Raises OSError where the network cannot be joined in TIMEOUT_S."""
    if config.NETWORK == "ethernet":
        nic = network.LAN(**config.LAN)
        nic.active(True)
    else:
        nic = network.WLAN(network.STA_IF)
        nic.active(True)
        if not nic.isconnected():  # it may be, after a soft reset
            nic.connect(config.WIFI_NAME, config.WIFI_PASSWORD)
    if config.STATIC is not None:
        nic.ifconfig(config.STATIC)
    waited_ms = 0
    while not nic.isconnected():
        if waited_ms >= TIMEOUT_S * 1000:
            raise OSError("no network %r in %d s: is config.py right?" % (config.NETWORK, TIMEOUT_S))
        time.sleep_ms(100)
        waited_ms += 100
    print("network", nic.ifconfig()[0])
    return nic
