"""What is kept between commands: for each server, and for each profile, how one is known there.

One JSON file, for this user alone. Whoever changes it holds a lock, reads it anew, and puts a whole new file in its place; so
readers need no lock.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from taskflow_hub.domain.errors import Misconfigured

SLACK_S: Final = 3.0  # before it runs out, for the way to the hub


class Login(Struct, frozen=True, tag_field="kind", tag="login"):
    """Both tokens of a login. `expires_at`: when the access token runs out, by this machine's clock, in Unix time."""

    access_token: str
    refresh_token: str
    expires_at: float

    def fresh(self, now: float) -> bool:
        return now < self.expires_at - SLACK_S

    def __repr__(self) -> str:
        return f"{type(self).__name__}(expires_at={self.expires_at!r})"


class ApiKey(Struct, frozen=True, tag_field="kind", tag="key"):
    key: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


Credential: TypeAlias = Login | ApiKey


class Profile(Struct, frozen=True):
    """A name for a server, and for how one is known there (None: logged out)."""

    server: str
    credential: Credential | None = None


class Place(Struct, frozen=True):
    """Where a command goes. `chosen`: the profile was named on the command line, which beats every variable."""

    server: str
    profile: str | None = None
    chosen: bool = False


class Kept(Struct, frozen=True):
    """The file's contents."""

    servers: dict[str, Credential] = {}
    profiles: dict[str, Profile] = {}

    def credential(self, place: Place) -> Credential | None:
        """What is kept for exactly this server; a profile that has come to name another one gives nothing."""
        if place.profile is None:
            return self.servers.get(place.server)
        profile = self.profiles.get(place.profile)
        return profile.credential if profile is not None and profile.server == place.server else None

    def having(self, place: Place, credential: Credential | None) -> "Kept":
        """The same with this credential there; None forgets the one that was, and leaves a profile its server."""
        if place.profile is not None:
            profiles = self.profiles | {place.profile: Profile(place.server, credential)}
            return replace(self, profiles=profiles)
        servers = {server: one for server, one in self.servers.items() if server != place.server}
        return replace(self, servers=servers if credential is None else servers | {place.server: credential})


def file() -> Path:
    """Where it is: https://specifications.freedesktop.org/basedir-spec. Raises Misconfigured for who has no home."""
    set_ = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    try:
        base = set_ if set_.is_absolute() else Path.home() / ".config"
    except RuntimeError:
        raise Misconfigured("Nobody knows where your home folder is: set HOME or XDG_CONFIG_HOME.") from None
    return base / "taskflow" / "credentials.json"


def read() -> Kept:
    """No file, nothing kept. Raises Misconfigured for a file that is not ours, OSError for one that cannot be read."""
    try:
        path = file()
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, Misconfigured):
        return Kept()
    try:
        return msgspec.json.decode(text, type=Kept)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"{path} cannot be understood ({error}). Mend it; or remove it, and log in again: taskflow login"
        ) from None


def _lock(descriptor: int) -> None:
    """Windows has no such lock, nor have some network file systems."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except ImportError:
        pass
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}:
            raise


@contextmanager
def locked() -> Iterator[None]:
    """Around reading and writing: nobody else changes the file meanwhile. (The file itself is replaced, so it cannot be what
    is locked.) Where there is no such lock the last one wins.
    """
    folder = _folder()
    descriptor = os.open(folder / "credentials.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def write(kept: Kept) -> None:
    """All of it or nothing, also when the machine stops in the middle. The lock must be held."""
    import tempfile

    text = msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"
    path, folder = file(), _folder()
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".credentials-")  # 0600
    made = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def keep(place: Place, credential: Credential | None) -> None:
    """Keep it, or forget what is kept (None)."""
    with locked():
        write(read().having(place, credential))


def _folder() -> Path:
    """For this user alone, made if need be."""
    folder = file().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder
