"""The registration interface, /rd (OMA LwM2M 1.0, 5.3 and 8.2.4), as resources of an aiocoap site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import aiocoap
from aiocoap import error, resource
from aiocoap.numbers.codes import Code

if TYPE_CHECKING:
    from .server import Cloud

# Critical options (odd numbers) that are known here: Uri-Host, Uri-Port, Uri-Path, Uri-Query, Accept, Block2, Block1.
_KNOWN_CRITICAL = (3, 7, 11, 15, 17, 23, 27)


class Owner(Protocol):
    """Whose interface it is: the cloud, or its bootstrap server."""

    def refused(self, request: Any, problem: Any) -> None:
        """A request was answered with an error."""

    def answered(self) -> None:
        """An answer is on its way."""


class Interface(resource.Resource):
    """A resource that devices send requests to."""

    def __init__(self, owner: Owner):
        super().__init__()
        self._owner = owner

    async def render(self, request: Any) -> Any:
        for option in request.opt.option_list():
            if option.number % 2 and int(option.number) not in _KNOWN_CRITICAL:
                self._owner.refused(request, problem := error.BadOption(f"option {int(option.number)} is not known"))
                raise problem
        try:
            return await super().render(request)
        except error.ConstructionRenderableError as problem:
            self._owner.refused(request, problem)
            raise

    async def render_to_pipe(self, pipe: Any) -> None:
        await super().render_to_pipe(pipe)
        # Only now is the answer on its way; what the cloud asks of the device next must not overtake it.
        self._owner.answered()


class _RegistrationInterface(Interface):
    def __init__(self, cloud: Cloud):
        super().__init__(cloud)
        self._cloud = cloud


class RegisterResource(_RegistrationInterface):
    """/rd: Register."""

    async def render_post(self, request: Any) -> Any:
        """Register; see `registry.Registry.register` for what is refused."""
        registration = self._cloud.register(request)
        return aiocoap.Message(code=Code.CREATED, location_path=("rd", registration.id))


class RegistrationResource(_RegistrationInterface, resource.PathCapable):
    """/rd/ID: Update and De-register."""

    def _id(self, request: Any) -> str:
        if len(request.opt.uri_path) != 1:
            raise error.NotFound()
        return str(request.opt.uri_path[0])

    async def render_post(self, request: Any) -> Any:
        """Update."""
        self._cloud.update(self._id(request), request)
        return aiocoap.Message(code=Code.CHANGED)

    async def render_delete(self, request: Any) -> Any:
        """De-register."""
        self._cloud.deregister(self._id(request), request)
        return aiocoap.Message(code=Code.DELETED)
