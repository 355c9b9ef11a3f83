"""Of this machine: its clock beside others, what it lets a process open, and who may read which file."""

import stat
from collections.abc import Iterator

from msgspec import Struct

from taskflow_hub.domain.checkup.finding import Finding, ok, size, warning, wrong

SKEW_S = 2.0  # a warning beyond
BAD_SKEW_S = 30.0  # as much as a worker may be silent
OTHERS_MAY_READ = stat.S_IRGRP | stat.S_IROTH
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
BESIDE_CONNECTIONS = 128  # files that a hub has open besides what clients open
LITTLE_SPACE = 500 << 20


class Clock(Struct, frozen=True):
    """`ahead_s` before this machine's, give or take `unsure_s`."""

    of: str
    ahead_s: float
    unsure_s: float


class Files(Struct, frozen=True):
    """What one process may have open, and how many connections the API is to serve. `shared`: with other machines."""

    soft: int
    hard: int
    connections: int
    shared: bool


class Folder(Struct, frozen=True):
    """`room` is what it is for; `why_not` why it cannot be used."""

    room: str
    path: str
    free: int | None
    why_not: str | None = None


class KeptFile(Struct, frozen=True):
    """A file with something secret in it. `named_by`: what makes us read it. `mode` None: it cannot be read."""

    path: str
    named_by: str
    mode: int | None
    mounted: bool = False  # by whoever runs the container, who also says who may read it


def judge_clock(clock: Clock) -> Finding:
    check = "clock"
    apart = max(abs(clock.ahead_s) - clock.unsure_s, 0.0)
    where = "ahead of" if clock.ahead_s > 0 else "behind"
    if apart <= SKEW_S:
        return ok(
            check,
            f"{clock.of}: within {max(abs(clock.ahead_s) + clock.unsure_s, 0.01):.2g} s of this machine's",
        )
    say = wrong if apart > BAD_SKEW_S else warning
    return say(
        check,
        f"{clock.of}: its clock is {abs(clock.ahead_s):.0f} s {where} this machine's",
        "Let both follow a time server (chrony, systemd-timesyncd). Meanwhile delays, schedules and logins are off by as much.",
    )


def judge_files(files: Files) -> Finding:
    wanted = files.connections + BESIDE_CONNECTIONS
    if files.soft >= wanted:
        return ok("files", f"A process may open {files.soft}")
    text = f"A process may open {files.soft}; the API is set to serve {files.connections} connections at once"
    if not files.shared and files.soft >= 4 * BESIDE_CONNECTIONS:
        return ok("files", f"{text}, more than one machine needs by itself")
    raised = "ulimit -n" if files.hard >= wanted else "as root, ulimit -Hn and ulimit -n"
    return warning(
        "files",
        text,
        f"Allow {wanted} ({raised} {wanted} in a shell, LimitNOFILE={wanted} in systemd), or lower http.max_connections.",
    )


def judge_folder(folder: Folder) -> Iterator[Finding]:
    if folder.why_not is not None:
        yield wrong(
            "disk",
            f"{folder.path} ({folder.room}): {folder.why_not}",
            "Make the folder, and let the hub's user write to it.",
        )
    elif folder.free is not None and folder.free < LITTLE_SPACE:
        yield warning(
            "disk",
            f"{size(folder.free)} are left in {folder.path} ({folder.room})",
            "Make room, or name another folder.",
        )


def judge_file(file: KeptFile) -> Finding:
    if file.mode is None:
        return wrong(
            "secrets",
            f"{file.path} ({file.named_by}) cannot be read",
            "Let the hub's user read it, or name another file.",
        )
    if file.mode & OTHERS_MAY_WRITE:
        return wrong(
            "secrets",
            f"{file.path} ({file.named_by}) can be written by others than its owner",
            f"chmod 600 {file.path}",
        )
    if file.mode & OTHERS_MAY_READ and not file.mounted:
        return warning(
            "secrets",
            f"{file.path} ({file.named_by}) can be read by others than its owner",
            f"chmod 600 {file.path}",
        )
    return ok(
        "secrets",
        f"{file.path} ({file.named_by}) is its owner's alone"
        if not file.mounted
        else f"{file.path} can be read",
    )
