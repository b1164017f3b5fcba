"""Accounts, and the records of them, for the tests of what outlives a restart."""

from atiny.lwm2m.model import Model
from atiny.lwm2m.objects.security import Security
from atiny.lwm2m.objects.server import Server
from atiny.lwm2m.persistence import Records

MARK = b"01234567"
OTHER_MARK = b"76543210"
SECRET = b"\xaa\xbb the key \xcc"


class Warnings(list):
    def __call__(self, text):
        assert SECRET.decode("latin-1") not in text
        assert repr(SECRET)[2:-1] not in text
        assert SECRET.hex() not in text
        self.append(text)


def accounts(host="one", rights=None) -> Model:
    """The accounts of a device with one server, and its bootstrap server's."""
    model = Model()
    model.add(Security("coaps://%s:5684" % host, 101, b"id-%s" % host.encode(), SECRET))
    bootstrap = Security("coap://bs:5683", 0, is_bootstrap=True, hold_off_s=7)
    bootstrap.instance_id = 5
    model.add(bootstrap)
    server = Server(short_server_id=101, lifetime_s=300, binding="UQ")
    server.rights = rights
    model.add(server)
    return model


def state(model):
    """Every value of objects 0, 1, 2, as plain data."""
    found = []
    for object_id in (0, 1, 2):
        entry = model.objects.get(object_id)
        for id in entry.ids if entry else ():
            instance = entry.instances[id]
            values = [(row.name, getattr(instance, row.name)) for row in entry.rows if not row.executable]
            found.append((object_id, id, values, getattr(instance, "rights", None)))
    return found


def records(store, mark=MARK):
    warnings = Warnings()
    return Records(store, warnings, mark), warnings


def loaded(store, mark=MARK):
    """What a device finds in the store after a restart."""
    model = Model()
    return state(model) if records(store, mark)[0].load_accounts(model) else None
