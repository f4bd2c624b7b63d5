"""What does this machine lend a server: its packages, a user, a free port?"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# Written by scripts/services.sh while it installs packages: none starts a server of its own.\nexit 101\n"
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST_PORT = 10_000
_LAST_LINES = 12


class NoServer(RuntimeError):
    """A server can't be had here. The message says why and what to do."""


def run(argv: Sequence[str], *, env: dict[str, str] | None = None, cwd: Path | None = None, said: str = "") -> str:
    """Return what a program wrote, both streams; raises NoServer with its last lines where it failed. `said` is its input."""
    done = subprocess.run(argv, env=env, cwd=cwd, input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise NoServer(f"`{' '.join(argv)}` ended with {done.returncode}; it last said:\n{last}")
    return done.stdout


def is_root() -> bool:
    """Return whether this process may install packages and become another user."""
    return os.geteuid() == 0


def install(packages: Sequence[str]) -> None:
    """Install Debian packages, without a question and without a server started by them."""
    wanted = " ".join(packages)
    if not (Path("/etc/debian_version").exists() and shutil.which("apt-get")):
        raise NoServer(f"missing here: {wanted}, and this is no Debian. Install them, or set the URL of a server that runs elsewhere.")
    if not is_root():
        raise NoServer(f"missing here: {wanted}. Only root can install them: run this once as root, or `apt-get install {wanted}`.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    patient = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    with _nothing_starts_itself():
        try:
            run([*patient, "update"], env=quiet)
            run([*patient, "install", "-y", "--no-install-recommends", *packages], env=quiet)
        except NoServer as error:
            raise NoServer(f"{wanted} can't be installed. Is there a way to the mirror in the machine's apt sources?\n{error}") from error


@contextmanager
def _nothing_starts_itself() -> Iterator[None]:
    """Forbid packages to start their servers; a policy that the machine has already is left alone."""
    ours = not _POLICY.exists() or _POLICY.read_text() == _POLICY_TEXT  # left by a run that was killed
    if ours:
        _POLICY.write_text(_POLICY_TEXT)
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)


def as_user(user: str, folder: Path, *, may_be_root: bool = False) -> list[str]:
    """Return what to put before a command that root runs as `user` over `folder`; nothing where this is not root.

    Where a folder above is closed to others, such as a home, the user gets the right to pass it; what asks `access` whether it may,
    and so does not see that right, is left to root.
    """
    if not is_root():
        return []
    try:
        who = pwd.getpwnam(user)
    except KeyError as error:
        raise NoServer(f"there is no user {user}; the package that makes it is not properly installed") from error
    if may_be_root and not _is_open(folder):
        return []
    rights = [] if _is_open(folder) else ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--init-groups", *rights, "--"]


def _is_open(folder: Path) -> bool:
    return all(above.stat().st_mode & stat.S_IXOTH for above in folder.resolve().parents)


def give(path: Path, user: str) -> None:
    """Make `user` the owner of `path`, where root asks."""
    if is_root():
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


def free_port(address: str) -> int:
    """Return a port that nobody listens at, below those that clients get by themselves.

    A client that tries again and again to reach a server that is down could be given the server's own port, and would then talk to itself.
    """
    above = int(_PORT_RANGE.read_text().split()[0])
    for _ in range(1000):
        port = random.randrange(_FIRST_PORT, max(above, _FIRST_PORT + 1000))
        if is_free(address, port):
            return port
    raise NoServer(f"no port is free at {address}")


def is_free(address: str, port: int) -> bool:
    """Return whether a server could listen at `port` now. An address of another network namespace is not asked for."""
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((address, port))
        except OSError as error:
            return "assign" in str(error)
    return True
