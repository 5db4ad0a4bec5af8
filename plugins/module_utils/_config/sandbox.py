# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What systemd keeps from a service that has no need of it (systemd.exec(5))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_LINES = """\
NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities=
LockPersonality=yes
MemoryDenyWriteExecute=yes
PrivateDevices=yes
PrivateTmp={private_tmp}
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome={protect_home}
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
ReadWritePaths={writable}
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
{calls}SystemCallErrorNumber=EPERM
"""

_TMP = ("/tmp", "/var/tmp")
_HOMES = ("/home", "/root", "/run/user")


def lines(
    writable: Sequence[str], readable: Iterable[str] = (), capabilities: str = "", withheld_calls: str = ""
) -> str:
    """The lines of a unit's C([Service]).

    :param writable: directories that it writes to. What follows where one is missing is the service's own affair.
    :param readable: further paths that it must see.
    :param capabilities: those that it may have.
    :param withheld_calls: groups of system calls that it does without, of those that services commonly need.
    """
    places = [*writable, *readable]
    return _LINES.format(
        capabilities=capabilities,
        private_tmp=_yes(not any(_is_under(path, _TMP) for path in places)),
        protect_home=_yes(not any(_is_under(path, _HOMES) for path in places)),
        # With a dash, for without one that is missing systemd would start nothing at all.
        writable=" ".join(f"-{path}" for path in dict.fromkeys(writable)),
        calls=f"SystemCallFilter=~{withheld_calls}\n" if withheld_calls else "",
    )


def _is_under(path: str, tops: Sequence[str]) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in tops)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
