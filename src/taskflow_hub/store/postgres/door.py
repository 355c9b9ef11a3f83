"""What is said when a database does not let us in: each way in which a URL can be wrong has words of its own."""

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import Final

import asyncpg

from taskflow_hub.domain.errors import Misconfigured, StoreUnavailable
from taskflow_hub.store.postgres.faults import explain
from taskflow_hub.store.postgres.url import Target

OLDEST: Final = 14  # the oldest server that is tested
_ASK_FOR_TLS: Final = struct.pack("!ii", 8, 80877103)  # the first word of every client, answered by S or N


async def refusal(error: Exception, target: Target) -> Misconfigured | StoreUnavailable:
    """Misconfigured: no waiting will mend it. StoreUnavailable: it may be well in a moment."""
    where = f"database {target.shown}"
    told = _from_server(error, target) or _from_driver(error, target)
    if told is not None:
        return told
    if isinstance(error, ConnectionError | asyncpg.PostgresConnectionError) and len(target.hosts) == 1:
        host, port = target.hosts[0]
        answer = await _first_octet(host, port, target.connect_timeout_s)
        if answer == b"N" and "rejected SSL" in str(error):
            return Misconfigured(f"{where}: the server does not speak TLS, which the URL demands (sslmode)")
        if answer and answer not in b"SN":
            return Misconfigured(f"{where}: what answers at {host}:{port} is not a PostgreSQL server")
        if answer == b"":
            return StoreUnavailable(f"{where}: what listens at {host}:{port} hangs up at once")
    return explain(error, target.shown)


def too_old(connection: asyncpg.Connection, target: Target) -> Misconfigured | None:
    version = connection.get_server_version()
    if version.major >= OLDEST:
        return None
    return Misconfigured(
        f"database {target.shown}: PostgreSQL {version.major} is too old; {OLDEST} or later is needed"
    )


def _from_server(error: Exception, target: Target) -> Misconfigured | None:
    """What PostgreSQL itself has said, and what can be done about it."""
    where = f"database {target.shown}"
    code = getattr(error, "sqlstate", None) or ""
    text = str(error).partition("\n")[0]
    if code.startswith("28"):
        return Misconfigured(f"{where}: {text}; check the user and the password in the URL")
    if code == "3D000":
        return Misconfigured(f"{where}: {text}; make it with: createdb {target.database}")
    if code == "42501":
        return Misconfigured(
            f"{where}: {text}; the hub's user needs CONNECT on the database and CREATE on its schema, "
            "and must own the hub's tables"
        )
    return None


def _from_driver(error: Exception, target: Target) -> Misconfigured | StoreUnavailable | None:
    """What was found out before anybody answered."""
    where = f"database {target.shown}"
    named = ", ".join(host for host, _ in target.hosts)
    several = len(target.hosts) > 1
    dialled = ", ".join(f"{host}:{port}" for host, port in target.hosts)
    match error:
        case asyncpg.TargetServerAttributeNotMatched():
            return StoreUnavailable(f"{where}: no server there is what target_session_attrs asks for")
        case socket.gaierror() | ConnectionRefusedError() if (
            several
        ):  # of one: what became of the others is not told
            one = "one is not known" if isinstance(error, socket.gaierror) else "nothing listens at one"
            return StoreUnavailable(
                f"{where}: none of {dialled} can be used: {one}, and the others are no better, or not what "
                "target_session_attrs asks for"
            )
        case socket.gaierror():
            return StoreUnavailable(
                f"{where}: the host {named} is not known; is it spelled right, and does name resolution work?"
            )
        case ConnectionRefusedError() if dialled:
            return StoreUnavailable(
                f"{where}: nothing listens at {dialled}; is PostgreSQL running there, and is the port right?"
            )
        case ssl.SSLCertVerificationError():
            return Misconfigured(f"{where}: the server's certificate is not accepted: {error.verify_message}")
        case FileNotFoundError() | PermissionError() if "?ssl" in target.dsn or "&ssl" in target.dsn:
            return Misconfigured(f"{where}: a file that sslrootcert, sslcert or sslkey names cannot be read")
        case TimeoutError():
            return StoreUnavailable(f"{where} does not answer within {target.connect_timeout_s:g} s")
        case asyncpg.ClientConfigurationError():
            return Misconfigured(f"{where}: {error}")
        case _:
            return None


async def _first_octet(host: str, port: int, timeout_s: float) -> bytes | None:
    """How whoever listens there answers a client of PostgreSQL; empty: not at all; None: nobody is there now."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_ASK_FOR_TLS)
                return await reader.read(1)
            except ConnectionResetError:
                return b""
            finally:
                writer.close()
    return None
