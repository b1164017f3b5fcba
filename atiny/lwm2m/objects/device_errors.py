"""The error codes of /3/0/11, where the host says what happens, and does not keep them itself."""

from ...errors import ParameterError
from .device import ERRORS, NO_ERROR, Device

LAST_ERROR_CODE = 32  # 1 to 8 are those of 1.0; 16 to 32, of a later version, the device's own


def check_error(code: int) -> int:
    """The code, or `ParameterError` where it is none of 1 to 32."""
    if type(code) is not int or not 1 <= code <= LAST_ERROR_CODE:
        raise ParameterError("the error code is %r: give one from 1 to %d" % (code, LAST_ERROR_CODE))
    return code


class DeviceErrors:
    """``codes``: those of the errors there are, in the order of /3/0/11's instances.

    ``device``: whose they are. ``save(codes)``: None, or called whenever they have changed, to keep them.
    """

    def __init__(self, device: Device, save, codes: "list[int]"):
        self._device = device
        self._save = save
        self._show(codes)

    def _show(self, codes: "list[int]") -> None:
        self.codes = codes
        self._device.defaults[ERRORS] = dict(enumerate(codes)) if codes else {0: NO_ERROR}

    def set(self, code: int, present: bool) -> None:
        """An error, 1 to 32, is there, or no longer; what is known already changes nothing. Raises `ParameterError`."""
        check_error(code)
        codes = [other for other in self.codes if other != code]
        if present:
            codes.append(code)
        if len(codes) != len(self.codes):
            self._show(codes)
            self._keep()
            if self._device.on_errors is not None:
                self._device.on_errors()

    def reset(self, ask) -> None:
        """Forget them all; ``ask()`` has the host say anew which there are. What it raises leaves them as they were."""
        before = self.codes
        self._show([])
        try:
            ask()
        except Exception:
            self._show(before)
            raise
        self._keep()

    def _keep(self) -> None:
        if self._save is not None:
            self._save(self.codes)
