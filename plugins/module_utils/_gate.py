# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The gate: the unit's own guard, run before each start, when the member is ready, and after it stopped.

It is POSIX sh, coreutils and flock(1) from util-linux, because a removed or upgraded Python must not stop a cluster.
What it lets through is the table in docs/architecture.md; C(ExecStartPre=+) makes it root and shows it the same
environment as etcd. That an C(EnvironmentFile) written by it is seen by C(ExecStart) is systemd's documented order
(systemd.exec(5): the files are read shortly before the process is executed).
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils import _marker
from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout

_SCRIPT = r"""#!/bin/sh
# Managed by quorum.etcd: changes made by hand are put right at the next run.
#
# No member starts whose log or data mount is gone: etcd would found a second cluster, or come back under its old id
# with an empty log, and acknowledged writes would be lost.
#
#   gate before   may this member start?
#   gate ready    it answered: remember that it has run
#   gate after    the process ended
set -u
umask 077

state_dir=@STATE_DIR@
run_dir=@RUN_DIR@
known_format=@FORMAT@

data_dir=${ETCD_DATA_DIR:-}
log_dir=${ETCD_WAL_DIR:-$data_dir/member/wal}

say() {
    echo "quorum.etcd gate: $*" >&2
}

# The unit tries again every few seconds, so that a mount that returns is picked up: each reason is said once.
refuse() {
    if [ "$(cat "$run_dir/refused" 2>/dev/null)" != "$1" ]; then
        say "this member is not started. $1"
        printf '%s\n' "$1" >"$run_dir/refused"
    fi
    exit 1
}

field() {
    while IFS= read -r line; do
        case $line in
            "$1="*) printf '%s\n' "${line#*=}"; return ;;
        esac
    done <"$state_dir/marker"
}

become() {
    while IFS= read -r line; do
        case $line in
            STATE=*) printf 'STATE=%s\n' "$1" ;;
            *) printf '%s\n' "$line" ;;
        esac
    done <"$state_dir/marker" >"$state_dir/marker.gate" &&
        sync "$state_dir/marker.gate" &&
        mv "$state_dir/marker.gate" "$state_dir/marker" &&
        sync "$state_dir"
}

has_log() {
    for file in "$log_dir"/*.wal; do
        [ -e "$file" ] && return 0
    done
    return 1
}

# The mount table of the host: in this unit's own namespace each directory it may write to is a mount point.
is_mounted() {
    while read -r _ _ _ _ point _; do
        [ "$point" = "$1" ] && return 0
    done </proc/1/mountinfo
    return 1
}

missing_mount() {
    rest=$(field MOUNTS):
    while [ -n "$rest" ]; do
        mount=${rest%%:*}
        rest=${rest#*:}
        if [ -n "$mount" ] && ! is_mounted "$mount"; then
            printf '%s\n' "$mount"
            return
        fi
    done
}

# What is read at a start and never again: compared later with what is on the disk, to see what really runs. systemd
# gives each start another id, which the process carries too: the record of one start says nothing of another process.
record() {
    {
        sha256sum @WATCHED@
        printf '%s  INVOCATION_ID\n' "${INVOCATION_ID:-}"
    } >"$run_dir/started" 2>/dev/null || :
}

publish() {
    [ -r "$state_dir/bootstrap.env" ] ||
        refuse "$state_dir/bootstrap.env is missing: this member has no log yet and must not start without the \
settings of its one first start. Run the playbook again; it writes them anew."
    # The marker last: a failure before it leaves everything as it was.
    { cp "$state_dir/bootstrap.env" "$run_dir/bootstrap.env" && : >"$run_dir/first-start"; } ||
        refuse "$run_dir cannot be written."
    become @STARTING@ || refuse "$state_dir/marker cannot be written: see that its file system is writable and has \
room."
}

before() {
    rm -f "$run_dir/bootstrap.env" "$run_dir/first-start"
    [ -n "$data_dir" ] || refuse "ETCD_DATA_DIR is not set in this unit's environment."
    [ -r "$state_dir/marker" ] ||
        refuse "There is no marker at $state_dir/marker, so nothing is known about this member's data. If this \
system was built anew, run the playbook: it says what is safe."
    [ "$(field FORMAT)" = "$known_format" ] ||
        refuse "$state_dir/marker is of another format than this gate knows ($known_format)."
    mount=$(missing_mount)
    [ -z "$mount" ] || refuse "$mount was a mount point of its own when this member was set up and is none now: its \
disk is missing. Mount it; the unit tries again by itself."
    state=$(field STATE)
    case $state in
        @RESTORE_PENDING@) refuse "The cluster is being restored from a snapshot. Run restore.yml again: it goes on, \
or puts back what was." ;;
        @RECOVERY_PENDING@) refuse "The cluster is being recovered from a lost quorum. Run recover.yml again: it goes \
on, or puts back what was." ;;
    esac
    if has_log; then
        case $state in
            # One that leaves and was removed ends by itself; one whose removal never happened is needed.
            @STARTING@ | @STARTED@ | @LEAVING@ | @RESTORED@) ;;
            *) refuse "$log_dir holds a write-ahead log, but the marker says '$state': these data are not this \
member's. Nothing was changed; find out whose they are before you move them aside." ;;
        esac
    else
        case $state in
            @NEVER_STARTED@) publish ;;
            @STARTING@ | @STARTED@ | @RESTORED@) refuse "This member has run before, and there is no write-ahead log \
in $log_dir: its data are gone. Started empty it could bring acknowledged writes to nothing. If a disk is missing, \
mount it: the unit tries again by itself. If the data are lost for good, run the playbook: it says what is safe." ;;
            @LEAVING@ | @REMOVED@) refuse "This member was taken out of its cluster (the marker says '$state'). \
To have it back, write it into the inventory and run the playbook: it joins anew." ;;
            *) refuse "The marker says '$state': the cluster's first start was not agreed on by all hosts. Run the \
playbook again; it goes on where it stopped." ;;
        esac
    fi
    rm -f "$run_dir/refused"
    record
}

ready() {
    rm -f "$run_dir/bootstrap.env" "$run_dir/first-start"
    [ "$(field STATE)" != @STARTING@ ] || become @STARTED@ ||
        say "$state_dir/marker could not be written; the member runs, and the next start will try again."
}

# Only a first start that this gate allowed since the machine came up may be forgotten, and only if it left no log. A
# power cut takes first-start with it: then nobody knows whether the member voted. Nor does anybody while a disk is
# missing.
after() {
    if [ -e "$run_dir/first-start" ] && [ "$(field STATE)" = @STARTING@ ] &&
        [ -z "$(missing_mount)" ] && ! has_log; then
        become @NEVER_STARTED@ || say "$state_dir/marker could not be written."
    fi
    rm -f "$run_dir/bootstrap.env" "$run_dir/first-start"
}

mkdir -p "$run_dir" || exit 1
exec 9>"$run_dir/marker.lock" || exit 1
flock -w 30 9 || refuse "Another process has held $run_dir/marker.lock for 30 seconds."

case ${1:-} in
    before | ready | after) "$1" ;;
    *) say "usage: gate before|ready|after"; exit 2 ;;
esac
"""


def render(layout: Layout, watched: Sequence[str]) -> str:
    """The gate of one instance.

    :param watched: absolute paths of the files that the process reads at its start only.
    """
    text = _SCRIPT
    for word, value in {
        "STATE_DIR": layout.state_dir,
        "RUN_DIR": layout.run_dir,
        "FORMAT": str(_marker.FORMAT),
        "STARTING": _marker.STARTING,
        "STARTED": _marker.STARTED,
        "NEVER_STARTED": _marker.NEVER_STARTED,
        "LEAVING": _marker.LEAVING,
        "REMOVED": _marker.REMOVED,
        "RESTORE_PENDING": _marker.RESTORE_PENDING,
        "RESTORED": _marker.RESTORED,
        "RECOVERY_PENDING": _marker.RECOVERY_PENDING,
        "WATCHED": " ".join(f"'{path}'" for path in watched),
    }.items():
        text = text.replace(f"@{word}@", value)
    return text
