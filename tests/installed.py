"""Whether an installed atiny is whole: every module imports, typed, with the dependencies this Python can have.

Run by the gate with each Python that it finds, from outside the source tree.
"""

import importlib
import importlib.util
import pkgutil
import sys
from importlib import metadata
from pathlib import Path


def main() -> None:
    import atiny

    folder = Path(atiny.__file__ or "").parent
    has_mbedtls = importlib.util.find_spec("mbedtls") is not None
    if has_mbedtls != (sys.version_info < (3, 13)):
        sys.exit(f"python-mbedtls installed: {has_mbedtls} on Python {sys.version}")
    if not (folder / "py.typed").exists():
        sys.exit("py.typed is missing")
    count = 0
    for module in pkgutil.walk_packages([str(folder)], "atiny."):
        if module.name.endswith("__main__") or "micropython" in module.name:
            continue  # a command; the other runtime's
        if any(name in module.name and importlib.util.find_spec(name) is None for name in ("mbedtls", "pytest")):
            continue
        importlib.import_module(module.name)
        count += 1
    print(f"atiny {metadata.version('atiny')}: {count} modules import on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
