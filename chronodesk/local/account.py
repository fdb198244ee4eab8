"""account: as whom does a server run that refuses to run as root, and what can that user reach?"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "chronodesk"
SYSTEM_HOME = Path("/var/lib/chronodesk")


@dataclass(frozen=True)
class Account:
    """Another user to run as; uid and gid in numbers, for subprocess."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether this user may enter the folder and everything above it."""
        return all(self._enters(folder) for folder in (path, *path.parents) if folder.exists())

    def _enters(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        return bool(status.st_mode & stat.S_IXOTH)


def server_account() -> Account | None:
    """None: run as ourselves. Root gets an account of its own; `nobody` where none can be made."""
    if os.geteuid() != 0:
        return None
    entry = _find((ACCOUNT,)) or _create() or _find(("nobody",))
    if entry is None:
        raise RuntimeError("Postgres will not run as root, and there is no other account to run it as.")
    return Account(entry.pw_uid, entry.pw_gid)


def reachable(account: Account | None, wanted: Path) -> Path:
    """`wanted`, or another place where the account cannot get through to it (such as below /root)."""
    if account is None or account.reaches(wanted.parent):
        return wanted
    place = hashlib.sha256(str(wanted.resolve()).encode()).hexdigest()[:12]
    SYSTEM_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
    return SYSTEM_HOME / f"{wanted.name}-{place}"


def reachable_copy(account: Account | None, install: Path, libraries: Path, version: str) -> Path:
    """The folder of programs itself, or a copy that the account can read and run."""
    if account is None or account.reaches(install / "bin"):
        return install
    package = install.parent
    copy = SYSTEM_HOME / f"{package.name}-{version}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The programs look for their libraries by a path relative to themselves: both keep their places.
        for folder in filter(Path.exists, (install, libraries)):
            shutil.copytree(folder, draft / folder.relative_to(package.parent), symlinks=True)
        _let_everybody_read(draft)
        draft.rename(copy)
    return copy / install.relative_to(package.parent)


def _let_everybody_read(folder: Path) -> None:
    SYSTEM_HOME.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)


def _find(names: Iterable[str]) -> pwd.struct_passwd | None:
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _create() -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd")
    if useradd is None:
        return None
    nologin = shutil.which("nologin") or "/bin/false"
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_HOME)]
    subprocess.run([*command, "--shell", nologin, ACCOUNT], capture_output=True, check=False)
    return _find((ACCOUNT,))
