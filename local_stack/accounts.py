"""The account Postgres runs under when the stack is started by root, which Postgres refuses to be."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import PostgresUnusable

if TYPE_CHECKING:
    from local_stack.progress import Progress

_ACCOUNT = "holistic-postgres"
_FALLBACK = "nobody"


def unprivileged_account() -> pwd.struct_passwd | None:
    """The account to run Postgres under, made when missing; None when we are not root and need none."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is not None:
        command = [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", _ACCOUNT]
        # Another process may have made it meanwhile, and a read-only /etc allows none: the look-up below decides.
        subprocess.run(command, capture_output=True, check=False)
    for name in (_ACCOUNT, _FALLBACK):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnusable(
        "Postgres refuses to run as root, and no account could be made for it",
        hint="run `holistic up` as an ordinary user",
        path="/etc/passwd",
    )


def let_pass(path: Path, progress: Progress) -> None:
    """Let other accounts pass through (not list) every directory above `path` that keeps them out, and say so."""
    for directory in reversed(path.resolve().parents):
        mode = stat.S_IMODE(directory.stat().st_mode)
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)
            progress.say(f"letting the account of Postgres pass through {directory} (chmod o+x)")


def let_read(directory: Path) -> None:
    """Let other accounts read the programs below `directory`, as an install with a strict umask does not."""
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
            if wanted != mode:
                path.chmod(wanted)
