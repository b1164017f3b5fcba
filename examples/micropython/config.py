"""What differs from one board to the next: the examples beside this file read it. Copy it to the board, and edit it."""

# The network: "wifi" (ESP32, Pico W) or "ethernet" (a board with network.LAN).
NETWORK = "wifi"
WIFI_NAME = "my network"
WIFI_PASSWORD = "its password"
# None: an address by DHCP; else a static one: (address, netmask, gateway, DNS server).
STATIC = None  # ("192.168.0.115", "255.255.255.0", "192.168.0.1", "192.168.0.1")
# What network.LAN() needs on this board, such as {"mdc": Pin(23), "mdio": Pin(18), "phy_addr": 1} on an ESP32.
LAN = {}

# The LwM2M server, the name of the device there, and its key: the identity, and 16 bytes that nobody else has.
SERVER = "coaps://cloud.example:5684"
ENDPOINT = "board-1"
PSK = ("board-1", b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f")

# The pins: what machine.ADC takes for the sensor, what machine.Pin takes for the output that the cloud switches.
SENSOR = 26
OUTPUT = 2
REPORT_S = 60
