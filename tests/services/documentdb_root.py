"""Where does a MongoDB come from on a Debian that has none? From a small Debian of its own, made once and kept outside the checkout.

Debian's unstable has PostgreSQL with the document extension, which its stable releases have not. So that release is unpacked into a
folder, and the database is run inside it (`chroot`). Root only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.machine import NoServer, is_root, run

RELEASE = "sid"
_SOURCES = ("/etc/apt/sources.list.d/*.sources", "/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list")
# A mirror may be behind the day until which unstable's list holds good.
_APT = ["apt-get", "-q", "-o", "Acquire::Check-Valid-Until=false"]
_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"}
_EXTENSION = "postgresql-[0-9]+-documentdb"


def cache() -> Path:
    """Return the folder that outlives checkouts: $DOCUMENTDB_HOME, else one in the user's cache."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DOCUMENTDB_HOME") or Path(caches) / "documentdb")


def is_installed() -> bool:
    """Return whether the release is unpacked, all of it."""
    return (cache() / "installed").exists()


def installed_root() -> Path:
    """Return the folder that holds the release; unpacks it where it is not there yet, a minute or so."""
    home = cache()
    if not is_root():
        raise NoServer("DocumentDB runs in a chroot, which only root can enter. Run this as root, or set MONGODB_URL.")
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        if not is_installed():
            _unpack(home / "root")
            (home / "installed").touch()
    return home / "root"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let two checkouts unpack one after the other."""
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)  # of a run that was killed
    environ = {**os.environ, **_QUIET}
    try:
        run(["debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(root), mirror()], env=environ)
        # The packages' own cluster is not wanted.
        policy = root / "etc/postgresql-common/createcluster.d"
        policy.mkdir(parents=True)
        (policy / "none.conf").write_text("create_main_cluster = false\n")
        run(_inside(root, [*_APT, "update"]), env=environ)
        found = run(_inside(root, ["apt-cache", "pkgnames", "postgresql-"]), env=environ).split()
        run(_inside(root, [*_APT, "install", "-y", "--no-install-recommends", *_packages(found)]), env=environ)
    except NoServer as error:
        raise NoServer(f"DocumentDB can't be unpacked. Is there a way to the mirror in the machine's apt sources?\n{error}") from error


def _inside(root: Path, argv: list[str]) -> list[str]:
    """Return the call that does `argv` in the folder, with its /proc for as long as it takes: a mount of nobody else."""
    script = 'mount -t proc proc "$0/proc" 2>/dev/null; exec chroot "$0" "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(root), *argv]


def _packages(names: list[str]) -> list[str]:
    """Return the newest extension of `names`, and its PostgreSQL."""
    versions = [int(name.split("-")[1]) for name in names if name.startswith("postgresql-") and name.endswith("-documentdb")]
    if not versions:
        raise NoServer(f"Debian's {RELEASE} has no package {_EXTENSION}")
    return [f"postgresql-{max(versions)}", f"postgresql-{max(versions)}-documentdb"]


def mirror(roots: Path = Path("/")) -> str:
    """Return the mirror that this machine has its packages from; raises NoServer where apt knows none."""
    for pattern in _SOURCES:
        for path in sorted(roots.glob(pattern.lstrip("/"))):
            for line in path.read_text().splitlines():
                if found := _mirror_of(line):
                    return found
    raise NoServer(f"no mirror of Debian in {' or '.join(_SOURCES)}")


def _mirror_of(line: str) -> str | None:
    """Return the mirror that a line of apt's sources names: `URIs: ...`, or `deb [options] ... release part`."""
    words = line.split()
    if words[:1] not in (["URIs:"], ["deb"]):
        return None
    return next((word for word in words[1:] if word.startswith(("http://", "https://"))), None)
