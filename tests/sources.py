"""The project's own source files, for the tests that read them."""

from atiny.slim.sources import (
    CPYTHON_ONLY as CPYTHON_ONLY,
    FOLDER as PACKAGE,
    HOST_ONLY as HOST_ONLY,
    dialect_files as dialect_files,
    is_host_only as is_host_only,
    module_of as module_of,
    package_files as package_files,
)

ROOT = PACKAGE.parent
