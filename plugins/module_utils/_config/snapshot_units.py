# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The systemd units by which a member saves snapshots: one that does it once, and the timer that starts it."""

from __future__ import annotations

import posixpath

from ansible_collections.quorum.etcd.plugins.module_utils._config import sandbox
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import SnapshotPolicy
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE, Layout

_SERVICE = """\
{signature}changes made by hand are put right at the next run. Use a drop-in for what is yours.
[Unit]
Description=Snapshot of the etcd cluster {cluster}, if it is this member's to save
Documentation=https://etcd.io/docs/
# Not after the member: its start may wait for a quorum for ever, and so would this. The program waits for it itself.
After=network-online.target
RequiresMountsFor={directory}
# Whoever wants one more gets it: a backup that is refused is worse than one too many.
StartLimitIntervalSec=0

[Service]
Type=oneshot
# One that hangs for ever would keep the timer from starting the next.
TimeoutStartSec=6h
ExecStartPre=+/bin/mkdir -p -m 0700 {directory}
ExecStart="{python}" -I {program} {config}
SyslogIdentifier={identifier}
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
UMask=0077

{sandbox}"""

_OPEN = """\
# What etcd_snapshot_after_command needs nobody here knows: it runs without a sandbox. Narrow it with a drop-in.
NoNewPrivileges=yes
"""

_TIMER = """\
{signature}changes made by hand are put right at the next run. Use a drop-in for what is yours.
[Unit]
Description=Snapshots of the etcd cluster {cluster}
Documentation=https://etcd.io/docs/

[Timer]
OnCalendar={schedule}
AccuracySec=1s
# The members look at each other twice, further apart than this: see _model.snapshot_agent.
RandomizedDelaySec={delay}s
# One that was missed while the machine was off is made up for.
Persistent=true

[Install]
WantedBy=timers.target
"""


def service(layout: Layout, cluster: str, snapshots: SnapshotPolicy, python: str) -> str:
    """The unit that saves one snapshot.

    :param python: the interpreter's path.
    """
    return _SERVICE.format(
        signature=SIGNATURE,
        cluster=_plain(cluster),
        identifier=posixpath.splitext(layout.snapshot_unit)[0],
        directory=snapshots.directory,
        python=_plain(python),
        program=layout.snapshot_program,
        config=layout.snapshot_config,
        sandbox=_OPEN if snapshots.after_command else _sandboxed(layout, snapshots, python),
    )


def timer(cluster: str, schedule: str) -> str:
    """The unit that starts it.

    :param schedule: as systemd.time(7) writes it.
    """
    return _TIMER.format(
        signature=SIGNATURE, cluster=_plain(cluster), schedule=_plain(schedule), delay=snapshot_agent.RANDOM_DELAY
    )


def _sandboxed(layout: Layout, snapshots: SnapshotPolicy, python: str) -> str:
    writable = [snapshots.directory, layout.state_dir]
    if snapshots.metrics_file:
        writable.append(posixpath.dirname(snapshots.metrics_file))
    readable = [python, *([layout.user_file] if layout.user_file else [])]
    return sandbox.lines(writable, readable, capabilities="CAP_DAC_OVERRIDE")


def _plain(text: str) -> str:
    # A percent sign begins a specifier (systemd.unit(5)).
    return text.replace("%", "%%")
