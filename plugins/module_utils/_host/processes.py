# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Running processes as /proc shows them: what really runs, whatever the files say."""

from __future__ import annotations

import contextlib
import glob
import os
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base import secrets
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Identity, Process


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


# What systemd takes for the main process of a unit that runs a container.
_MANAGERS = ("conmon", "podman", "docker")
# A scope of systemd's, or a directory where Docker makes them itself.
_DOCKER = re.compile(r"/docker[-/]([0-9a-f]{64})(?:\.scope)?(?:/|$)")


def of_unit(unit: str, main: int) -> int:
    """The etcd of a unit: its main process, or where that is a container's manager the one in there.

    :param main: 0 where nothing runs.
    """
    if not main or name_of(main) not in _MANAGERS:
        return main
    return next((pid for pid in named("etcd") if unit_of(pid) == unit), main)


def environment(pid: int) -> dict[str, str]:
    """The variables of a process, of which some may be secrets; none where it is gone."""
    try:
        return _variables(pid)
    except OSError:
        return {}


def _variables(pid: int) -> dict[str, str]:
    pairs = [entry.partition(b"=") for entry in _read(f"/proc/{pid}/environ").split(b"\0")]
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, _equals, value in pairs}


def describe(pid: int) -> Process | None:
    """Which process it is and its environment, or None when it is gone.

    The executable is followed by a note in parentheses after an unlink. Of the environment only C(ETCD_*) is there,
    secrets hidden. Of one that reads a file which its gate has written for it, that file's settings are there instead.
    """
    try:
        ticks = _read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()[19]
        given = _variables(pid)
        own = {name: value for name, value in given.items() if name.startswith("ETCD_")}
        file = env_file.file_read(command_line(pid))
        if env_file.SETTINGS_VARIABLE in given:
            own = _settings_read(file)
        elif file:
            own["ETCD_CONFIG_FILE"] = file
        executable = os.readlink(f"/proc/{pid}/exe")
        # In a container its path is of another root. What manages that container has these variables, too.
        if env_file.RELEASE_VARIABLE in given and executable.split(" ")[0].endswith("/etcd"):
            executable = f"{given[env_file.RELEASE_VARIABLE]}/etcd"
        return Process(
            kind=given.get(env_file.RUNTIME_VARIABLE, "systemd"),
            identity=Identity(pid, int(ticks), executable, given.get("INVOCATION_ID", "")),
            environment=secrets.environment(own),
        )
    except (FileNotFoundError, ProcessLookupError):
        return None


def _settings_read(path: str) -> dict[str, str]:
    try:
        return env_file.read(_read(path).decode(errors="replace")) if path else {}
    except FileNotFoundError:
        return {}


def named(command: str) -> list[int]:
    """The numbers of the processes with this command name, ascending."""
    return [pid for pid in _numbers() if name_of(pid) == command]


def name_of(pid: int) -> str:
    """The command name of a process; empty when it is gone."""
    with contextlib.suppress(OSError):
        return _read(f"/proc/{pid}/comm").decode(errors="replace").strip()
    return ""


def command_line(pid: int) -> list[str]:
    """A process' arguments, secrets hidden; empty when it is gone."""
    try:
        words = [part.decode(errors="replace") for part in _read(f"/proc/{pid}/cmdline").split(b"\0") if part]
        return secrets.arguments(words)
    except OSError:
        return []


def used(pid: int, places: Sequence[str]) -> list[str]:
    """Which of these directories and files a process has open, runs, or has in its arguments or settings.

    What it calls so may be something else in its own mount namespace: the files themselves are compared.
    """
    names = {ancestor for path in _paths_of(pid) for ancestor in _ancestors(path)}
    return [place for place in places if any(_is_same(pid, name, place) for name in names)]


def _paths_of(pid: int) -> list[str]:
    found = [word.rpartition("=")[2] for word in command_line(pid)[1:]]
    with contextlib.suppress(OSError):
        described = describe(pid)
        if described is not None:
            found += [described.identity.executable, *described.environment.values()]
        for handle in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/{pid}/fd/{handle}"))
    return [posixpath.normpath(path) for path in found if path.startswith("/")]


def _ancestors(path: str) -> Iterator[str]:
    while path != posixpath.dirname(path):
        yield path
        path = posixpath.dirname(path)


def _is_same(pid: int, name: str, place: str) -> bool:
    try:
        return os.path.samefile(f"/proc/{pid}/root{name}", place)
    except OSError:
        # Where it is not there yet the process may be about to make it.
        return name == place and not os.path.exists(place)


def unit_of(pid: int) -> str:
    """The systemd unit of this host that a process runs in, or an empty string."""
    own = posixpath.dirname(_cgroup(1))
    path = _cgroup(pid)
    if not path.startswith(own):
        return ""
    # What is below a scope is a container's or a session's own: its units are not this host's.
    parts = path[len(own) :].split(".scope/", 1)[0].split("/")
    return next((part for part in reversed(parts) if part.endswith(".service")), "") or _unit_of_container(path)


def _unit_of_container(cgroup: str) -> str:
    """Of ours in which Docker runs its container, outside of the unit."""
    for file in glob.glob("/run/quorum.etcd/*/container"):
        with contextlib.suppress(OSError):
            name = _read(file).decode(errors="replace").strip()
            if name and name in cgroup:
                return f"{file.split('/')[3]}.service"
    return ""


def container_of(pid: int) -> str:
    """The ID of the container in which Docker runs a process; empty where it does not."""
    found = _DOCKER.search(_cgroup(pid))
    return found.group(1)[:12] if found else ""


def _cgroup(pid: int) -> str:
    """Where systemd has put a process: its path in the unified hierarchy, or in systemd's own of the old kind."""
    try:
        lines = _read(f"/proc/{pid}/cgroup").decode(errors="replace").splitlines()
    except OSError:
        return ""
    found = {kind: path for _number, kind, path in (line.split(":", 2) for line in lines)}
    unified = found.get("", "")
    return unified if unified.strip("/") else found.get("name=systemd", unified)


def has_open(paths: Sequence[str]) -> bool:
    """Has an etcd one of these very files open, whatever is mounted where it has found it?"""
    wanted = _files(paths)
    for pid in named("etcd") if wanted else []:
        with contextlib.suppress(OSError):
            for handle in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    found = os.stat(f"/proc/{pid}/fd/{handle}")
                    if (found.st_dev, found.st_ino) in wanted:
                        return True
    return False


def opener_of(paths: Sequence[str], but: Callable[[int], bool] = lambda _pid: False) -> int:
    """The first process that has one of these very files open for writing, whatever it is called, and wherever it has
    found it; 0 if none has. What copies them only reads.

    :param but: processes that do not count.
    """
    wanted = _files(paths)
    for pid in _numbers() if wanted else ():
        if any(one in wanted for one in _open_for_writing(pid)) and not but(pid):
            return pid
    return 0


def _numbers() -> list[int]:
    return sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _open_for_writing(pid: int) -> Iterator[tuple[int, int]]:
    with contextlib.suppress(OSError):
        for handle in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if _is_written(pid, handle):
                    found = os.stat(f"/proc/{pid}/fd/{handle}")
                    yield found.st_dev, found.st_ino


def _is_written(pid: int, handle: str) -> bool:
    """By the flags of open(2), which are octal there (proc(5))."""
    lines = _read(f"/proc/{pid}/fdinfo/{handle}").decode(errors="replace").splitlines()
    flags = next((line.split()[1] for line in lines if line.startswith("flags:")), "0")
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def _files(paths: Sequence[str]) -> set[tuple[int, int]]:
    found = set()
    for path in paths:
        with contextlib.suppress(OSError):
            seen = os.stat(path)
            found.add((seen.st_dev, seen.st_ino))
    return found


def of_socket(inode: str) -> int:
    """The process that holds a socket, 0 if none is found."""
    wanted = f"socket:[{inode}]"
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            for handle in os.listdir(f"/proc/{entry}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{entry}/fd/{handle}") == wanted:
                        return int(entry)
    return 0
