"""The peer: a plain aiocoap client that registers and serves /3/0/0, and /3/0 as TLV bytes made beforehand.

To /5/0/0 it takes blocks one by one, as long as they come, and keeps none: so it costs the least.
"""

import asyncio
import sys

from aiocoap import CHANGED, CONTINUE, POST, Context, Message, resource

from tests.bench.peer_echo import MANUFACTURER, TLV_DEVICE


class Manufacturer(resource.Resource):
    async def render_get(self, request):
        return Message(payload=MANUFACTURER, content_format=0)


class Device(resource.Resource):
    async def render_get(self, request):
        return Message(payload=TLV_DEVICE, content_format=11542)


class Package(resource.Resource):
    async def needs_blockwise_assembly(self, request):
        return False

    async def render_put(self, request):
        block1 = request.opt.block1
        return Message(code=CONTINUE if block1.more else CHANGED, block1=block1)


async def main(host: str, port: str) -> None:
    site = resource.Site()
    site.add_resource(["3", "0"], Device())
    site.add_resource(["3", "0", "0"], Manufacturer())
    site.add_resource(["5", "0", "0"], Package())
    context = await Context.create_server_context(site, bind=("127.0.0.1", 0))
    uri = f"coap://{host}:{port}/rd?ep=aiocoap&lt=86400&lwm2m=1.0&b=U"
    await context.request(Message(code=POST, uri=uri, payload=b"</3/0>", content_format=40)).response
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
