"""The Java that Leshan runs on: the class paths that Maven resolves, our own classes, and the process.

Without Java, Maven or Leshan a test skips with its reason; in CI it fails.
"""

import contextlib
import hashlib
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from tests.tools import missing, tool

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
MAVEN_TIMEOUT_S = 300
JAVAC_TIMEOUT_S = 120
JVM_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Xmx256m",
    "-Djava.net.preferIPv4Stack=true",
    "--add-opens=java.base/java.util=ALL-UNNAMED",  # the JSON library of the demo looks into it; Java 17 forbids that
)
LOGGING = f"-Dlogback.configurationFile={HERE / 'logback.xml'}"


def class_path(profile: str, cache: Path) -> str:
    """The jars that a profile of the pom.xml names, with all they depend on; resolved once for each pom.xml."""
    tool("java")
    known = cache / f"{profile}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}.classpath"
    if known.exists() and all(os.path.exists(jar) for jar in known.read_text().split(os.pathsep)):
        return known.read_text()
    maven = [
        tool("mvn"),
        "-q",
        "-B",
        "-Dstyle.color=never",
        "-f",
        str(POM),
        "-P",
        profile,
        "dependency:build-classpath",
    ]
    try:
        result = subprocess.run(
            [*maven, f"-Dmdep.outputFile={known}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MAVEN_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        missing(f"Maven did not resolve Leshan within {MAVEN_TIMEOUT_S} s")
    if result.returncode:
        errors = [line for line in result.stdout.splitlines() if "ERROR" in line]
        missing(f"Maven cannot resolve Leshan: {(errors or ['no reason given'])[0]}")
    return known.read_text()


def compiled(jars: str, cache: Path) -> str:
    """The class path of our own programs, which stand on ``jars``; compiled once for each state of their sources."""
    sources = sorted(HERE.glob("*.java"))
    state = hashlib.sha256(b"".join(source.read_bytes() for source in sources) + jars.encode())
    classes = cache / f"classes-{state.hexdigest()[:16]}"
    if not classes.exists():
        # Not into its place at once: another run may look for it, and this one may be interrupted.
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            new = Path(scratch) / "classes"
            javac = [tool("javac"), "-encoding", "UTF-8", "-d", str(new), "-cp", jars]
            subprocess.run([*javac, *map(str, sources)], check=True, timeout=JAVAC_TIMEOUT_S)
            with contextlib.suppress(OSError):  # the other run was faster
                new.rename(classes)
    return os.pathsep.join([str(classes), jars])


def free_port(kind: socket.SocketKind) -> int:
    """A loopback port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Loopback:
    """A server's place: two ports of 127.0.0.1 that are free now."""

    def __init__(self) -> None:
        self.coap = free_port(socket.SOCK_DGRAM)
        self.coaps = free_port(socket.SOCK_DGRAM)

    @property
    def url(self) -> str:
        return f"coap://127.0.0.1:{self.coap}"

    @property
    def secure_url(self) -> str:
        return f"coaps://127.0.0.1:{self.coaps}"


def start(
    jars: str, arguments: "list[str]", directory: Path, log: Path, pipes: bool = False
) -> "subprocess.Popen[bytes]":
    """Run Java on ``jars`` in ``directory``; what it prints goes to ``log``, standard output to a pipe if ``pipes``."""
    line = [tool("java"), *JVM_OPTIONS, "-cp", jars, *arguments]
    with log.open("ab") as output:
        stdin: "int | IO[bytes]" = subprocess.PIPE if pipes else subprocess.DEVNULL
        stdout: "int | IO[bytes]" = subprocess.PIPE if pipes else output
        return subprocess.Popen(line, cwd=directory, stdin=stdin, stdout=stdout, stderr=output)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop a process that `start` began, at once."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
