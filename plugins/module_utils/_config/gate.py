# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The gate: the unit's own guard, run before each start, when the member is ready, and after it stopped.

It is POSIX sh, coreutils, grep and flock(1) from util-linux: a removed or upgraded Python must not stop a cluster.
What it lets through is the table in docs/architecture.md; C(ExecStartPre=+) makes it root and shows it the same
environment as etcd. That an C(EnvironmentFile) written by it is seen by C(ExecStart) is systemd's documented order
(systemd.exec(5): the files are read shortly before the process is executed).
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._config.env_file import SETTINGS_VARIABLE
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import MACHINE_ID_FILE, Layout

#: Holds what the gate adds to etcd's configuration file for a first start; etcd itself never sees it.
FIRST_START_VARIABLE = "QUORUM_ETCD_FIRST_START"

#: What the gate says of a settings file that is not there, or that it does not understand.
UNREAD = "does not say data-dir as this collection writes it"

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
# Names of segments are compared as they are sorted.
LC_ALL=C
export LC_ALL

moment=${1:-}
state_dir=@STATE_DIR@
run_dir=@RUN_DIR@
known_format=@FORMAT@
accept="ansible-playbook quorum.etcd.etcd -i INVENTORY -e"

# The settings file, where etcd reads one: of its environment it then reads nothing. Once it has started, the file that
# it has read is what counts.
config=${@SETTINGS@:-}
config_read=@STARTED_FILE@
settings=$config
if [ "$moment" != before ] && [ -r "$config_read" ]; then settings=$config_read; fi

# A setting in it, as this collection writes it: KEY, or MAPPING/KEY. As for etcd, the last one counts.
setting() (
    mapping=
    value=
    while IFS= read -r line; do
        case $line in
            [a-z]*:) mapping=${line%:}/ ;;
            [a-z]*) mapping= ;;
        esac
        case $mapping${line#  } in
            "$1: \""*'"') value=${line#*: \"} ;;
        esac
    done <"$settings"
    printf '%s' "${value%\"}"
)

if [ -z "$config" ]; then
    data_dir=${ETCD_DATA_DIR:-} log_dir=${ETCD_WAL_DIR:-} name=${ETCD_NAME:-} peer_ca=${ETCD_PEER_TRUSTED_CA_FILE:-}
elif [ -r "$settings" ]; then
    data_dir=$(setting data-dir) log_dir=$(setting wal-dir) name=$(setting name)
    peer_ca=$(setting peer-transport-security/trusted-ca-file)
else
    data_dir='' log_dir='' name='' peer_ca=''
fi
log_dir=${log_dir:-$data_dir/member/wal}
name=${name:-NAME}

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

# The name of the log's newest segment, SEQUENCE-INDEX.wal in hexadecimal digits.
newest() {
    found=
    for file in "$log_dir"/????????????????-????????????????.wal; do
        case ${file##*/} in *[!0-9a-f]*-* | *-*[!0-9a-f]*.wal) ;; *) [ -e "$file" ] && found=${file##*/} ;; esac
    done
    printf '%s' "$found"
}

# "MEMBER CLUSTER", the IDs in the metadata of one segment, nothing where they cannot be read. A segment begins with two
# records, a checksum and the metadata. Before each there are eight bytes: its length, and in the last one its padding.
ids_in() (
    # shellcheck disable=SC2046 # one word a byte
    set -- $(od -An -v -tu1 -N 128 "$1")
    if [ $# -ne 128 ] || [ "$1" -gt 32 ] || [ "$2$3$4$5$6$7" != 000000 ]; then exit; fi
    shift $((8 + $1 + ($8 & 7)))
    [ "$2$3$4$5$6$7" = 000000 ] || exit
    shift 8
    # Field 1, the kind (1 is metadata); field 2, a checksum; field 3, the metadata, and in it the fields 1 and 2.
    [ "$1 $2" = "8 1" ] || exit
    shift 2
    if [ "$1" = 16 ]; then
        shift
        while [ "$1" -ge 128 ]; do shift; done
        shift
    fi
    [ "$1 $3" = "26 8" ] || exit
    shift 3
    member=
    while :; do
        value=0 bits=0
        while [ "$1" -ge 128 ]; do
            value=$((value | ($1 & 127) << bits)) bits=$((bits + 7))
            shift
        done
        value=$((value | $1 << bits)) high=$((value >> 32 & 0xffffffff)) low=$((value & 0xffffffff))
        [ "$high" -eq 0 ] || low=$((low | 1 << 32)) high=$(printf '%x' "$high")
        id=$(printf '%x' "$low")
        [ "$high" = 0 ] || id=$high${id#1}
        [ -z "$member" ] || break
        member=$id
        [ "$2" = 16 ] || exit
        shift 2
    done
    printf '%s' "$member $id"
) 2>/dev/null

# The place of a segment in its log, 0 where the name says none.
place_of() {
    case ${1%%-*} in
        '' | *[!0-9a-f]*) echo 0 ;;
        *) echo $((0x${1%%-*})) ;;
    esac
}

known_log() {
    cat "$state_dir/@NEWEST@" 2>/dev/null
}

# Why the log that is there is not the one that this member had, in a sentence for each.
objection() {
    segment=$(newest)
    ids=$(ids_in "$log_dir/$segment")
    [ -n "$ids" ] || return 0
    own=$(field MEMBER_ID)
    if [ -n "$own" ] && [ "$own" != "${ids% *}" ]; then
        printf '%s' "$log_dir holds the data of member ${ids% *}, and this host's member is $own: the data of two \
hosts were swapped, or another disk is mounted. Put the right data there. Run the playbook: it says whose they are."
        return
    fi
    known=$(known_log)
    if [ "${known#* }" = "$ids" ] && [ "$(place_of "$segment")" -lt "$(place_of "$known")" ]; then
        printf '%s' "The newest segment of the log in $log_dir is $segment, and this member had ${known%% *} already: \
this is an older copy. Started on it the member could bring acknowledged writes to nothing. Bring the newer data back: \
mount their disk. If they are lost for good, run the playbook: it says what is safe."
    fi
}

# Remember how far the log has come, so that an older copy of it is recognized. For one log this never goes back.
note() {
    [ -z "$(missing_mount)" ] || return 0
    segment=$(newest)
    ids=$(ids_in "$log_dir/$segment")
    known=$(known_log)
    [ -n "$ids" ] && [ "$known" != "$segment $ids" ] || return 0
    if [ "${known#* }" = "$ids" ]; then
        [ "$(place_of "$segment")" -gt "$(place_of "$known")" ] || return 0
    elif [ "$moment" != ready ]; then
        # After a refused start these may be any data.
        return 0
    fi
    # The log first: a power cut must not take the segment and leave what is known of it.
    if ! { sync "$log_dir" &&
        printf '%s\n' "$segment $ids" >"$state_dir/@NEWEST@.gate" &&
        sync "$state_dir/@NEWEST@.gate" &&
        mv "$state_dir/@NEWEST@.gate" "$state_dir/@NEWEST@" &&
        sync "$state_dir"; }; then
        say "$state_dir/@NEWEST@ could not be written."
    fi
}

# With this setting of a rescue each start drops all other members: two clusters would go on under one ID.
forced_by() {
    case ${ETCD_FORCE_NEW_CLUSTER:-} in
        '' | 0 | f | F | false | FALSE | False) ;;
        *) printf '%s' "ETCD_FORCE_NEW_CLUSTER in its environment"; return ;;
    esac
    # etcd takes a key in capitals, too. What a comment behind the value says is no value.
    if [ -r "$config" ] && grep -i force-new-cluster "$config" | grep -v '^ *#' |
        grep -qvi 'force-new-cluster[^:]*: *"*false'; then
        printf '%s' "force-new-cluster in $config"
        return
    fi
    for file in @UNIT_FILE@ @UNIT_FILE@.d/*.conf /run/systemd/system/@UNIT@.d/*.conf; do
        [ -r "$file" ] || continue
        while IFS= read -r line || [ -n "$line" ]; do
            case $line in
                '#'* | ';'* | *-force-new-cluster=[0fF]*) ;;
                *-force-new-cluster*) printf '%s' "--force-new-cluster in $file"; return ;;
            esac
        done <"$file"
    done
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

# Copied with its disk, a member would run twice. A machine ID that is new at each boot is mounted, and tells nothing.
another_machine() {
    known=$(field MACHINE_ID)
    here=$(cat @MACHINE_ID_FILE@ 2>/dev/null)
    case $known in '' | "$here" | uninitialized) return 1 ;; esac
    case $here in '' | uninitialized) return 1 ;; esac
    ! is_mounted @MACHINE_ID_FILE@
}

# What is read at a start and never again: compared later with what is on the disk, to see what really runs. systemd
# gives each start another id, which the process carries too: the record of one start says nothing of another process.
# The bundle by which it judges its peers is copied, too, since new connections are tried with it.
record() {
    {
        sha256sum @WATCHED@
        printf '%s  INVOCATION_ID\n' "${INVOCATION_ID:-}"
    } >"$run_dir/started" 2>/dev/null || :
    cp "$peer_ca" "$run_dir/peer-ca.pem" 2>/dev/null || rm -f "$run_dir/peer-ca.pem"
}

# Behind the end of a document etcd would read nothing of what follows here.
ordinary_settings() {
    grep -vi -e '^initial-cluster' -e '^discovery' -e '^---' -e '^\.\.\.' "$config"
    [ $? -le 1 ]
}

first_settings() {
    if [ -r "$run_dir/bootstrap.env" ]; then
        (
            # What a drop-in says of these etcd would not read.
            unset ETCD_INITIAL_CLUSTER ETCD_INITIAL_CLUSTER_STATE ETCD_INITIAL_CLUSTER_TOKEN @FIRST_START@
            # shellcheck source=/dev/null # assignments of ETCD_INITIAL_CLUSTER, _STATE and perhaps _TOKEN; or of a line
            . "$run_dir/bootstrap.env" &&
                if [ -n "${@FIRST_START@:-}" ]; then
                    printf '%s\n' "$@FIRST_START@"
                else
                    printf 'initial-cluster: "%s"\n' "${ETCD_INITIAL_CLUSTER:-}"
                    if [ -n "${ETCD_INITIAL_CLUSTER_TOKEN:-}" ]; then
                        printf 'initial-cluster-token: "%s"\n' "$ETCD_INITIAL_CLUSTER_TOKEN"
                    fi
                fi &&
                printf 'initial-cluster-state: "%s"\n' "${ETCD_INITIAL_CLUSTER_STATE:-existing}"
        )
    else
        printf 'initial-cluster-state: "existing"\n'
    fi
}

# What etcd reads that has a settings file: that file, with the settings of its one first start or without any of them.
# It is written at each start, and stays as a record of what the process has read.
write_config() {
    [ -n "$config" ] || return 0
    {
        {
            printf '# Written from %s at each start: changes made here are lost.\n' "$config" &&
                ordinary_settings &&
                first_settings
        } >"$run_dir/config" &&
            chgrp '@GROUP@' "$run_dir/config" && chmod 0640 "$run_dir/config" && chmod 0755 "${config_read%/*}" &&
            mv "$run_dir/config" "$config_read"
    } || refuse "$config_read cannot be written."
}

publish() {
    [ -r "$state_dir/bootstrap.env" ] ||
        refuse "$state_dir/bootstrap.env is missing: this member has no log yet and must not start without the \
settings of its one first start. Run the playbook again; it writes them anew."
    # The marker last: a failure before it leaves everything as it was.
    { cp "$state_dir/bootstrap.env" "$run_dir/bootstrap.env" && : >"$run_dir/first-start"; } ||
        refuse "$run_dir cannot be written."
    write_config
    become @STARTING@ || refuse "$state_dir/marker cannot be written: see that its file system is writable and has \
room."
}

before() {
    rm -f "$run_dir/bootstrap.env" "$run_dir/first-start" "$config_read"
    if [ -n "$config" ]; then
        [ -n "$data_dir" ] || refuse "$config @UNREAD@. Run the playbook: it writes the file again."
    else
        [ -n "$data_dir" ] || refuse "ETCD_DATA_DIR is not set in this unit's environment."
    fi
    forced=$(forced_by)
    [ -z "$forced" ] || refuse "etcd would start with $forced, which drops all other members from the cluster at each \
start. Remove it, then: systemctl daemon-reload"
    [ -r "$state_dir/marker" ] ||
        refuse "There is no marker at $state_dir/marker, so nothing is known about this member's data. If this \
system was built anew, run the playbook: it says what is safe."
    [ "$(field FORMAT)" = "$known_format" ] ||
        refuse "$state_dir/marker is of another format than this gate knows ($known_format)."
    objection=$(objection)
    mount=$(missing_mount)
    if [ -n "$mount" ]; then
        way=
        if [ -z "$objection" ] && has_log; then
            way=" If the data were moved for good, and $log_dir holds the newest: $accept etcd_accept_mounts=$name"
        fi
        refuse "$mount was a mount point when this member last served, and is none now: its disk is missing. Mount \
it; the unit tries again by itself.$way"
    fi
    if another_machine; then
        way="Run the playbook: it says what is safe."
        if has_log; then
            way="If this is the member's own machine, built anew, and no other has its data: $accept \
etcd_accept_machine=$name"
        fi
        refuse "The machine ID is $here, and this member was set up on $known. Cloned with its disk, it would run \
twice under one ID. $way"
    fi
    [ -z "$objection" ] || refuse "$objection"
    state=$(field STATE)
    case $state in
        @RESTORE_PENDING@) refuse "The cluster is being restored from a snapshot. Run restore.yml again: it goes on, \
or rolls it back." ;;
        @RECOVERY_PENDING@) refuse "The cluster is being recovered from a lost quorum. Run recover.yml again: it goes \
on, or rolls it back." ;;
    esac
    if has_log; then
        case $state in
            # One that leaves and was removed ends by itself; one whose removal never happened is needed.
            @STARTING@ | @STARTED@ | @LEAVING@ | @RESTORED@) write_config ;;
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

# The settings of the first start have done their work: no later start may have them, and a password may be in them.
forget_first() {
    rm -f "$state_dir/bootstrap.env"
    if [ -n "$config" ] && grep -q '^discovery' "$config_read"; then
        grep -v '^discovery' "$config_read" >"$run_dir/config" &&
            chgrp '@GROUP@' "$run_dir/config" && chmod 0640 "$run_dir/config" && mv "$run_dir/config" "$config_read"
    fi
}

ready() {
    rm -f "$run_dir/bootstrap.env" "$run_dir/first-start"
    if [ "$(field STATE)" = @STARTING@ ]; then
        if become @STARTED@; then
            forget_first || say "The settings of the first start could not be removed from $state_dir and $run_dir."
        else
            say "$state_dir/marker could not be written; the member runs, and the next start will try again."
        fi
    fi
    note
}

# Only a first start that this gate allowed since the machine came up may be forgotten, and only if it left no log. A
# power cut takes first-start with it: then nobody knows whether the member voted. Nor does anybody while a disk is
# missing.
after() {
    if [ -e "$run_dir/first-start" ] && [ "$(field STATE)" = @STARTING@ ] &&
        [ -n "$data_dir" ] && [ -z "$(missing_mount)" ] && ! has_log; then
        become @NEVER_STARTED@ || say "$state_dir/marker could not be written."
    fi
    rm -f "$run_dir/bootstrap.env" "$run_dir/first-start" "$config_read"
    note
}

# Only a start can be refused. A member that runs, or has ended, is not harmed by what cannot be written down.
cannot() {
    [ "$moment" != before ] || refuse "$1"
    say "$1 Nothing was written down."
    exit 0
}

case $moment in
    before | ready | after) ;;
    *) say "usage: gate before|ready|after"; exit 2 ;;
esac

if ! mkdir -p "$run_dir" || ! (exec 9>"$run_dir/marker.lock"); then
    cannot "$run_dir cannot be written."
fi
exec 9>"$run_dir/marker.lock"
flock -w 30 9 || cannot "Another process has held $run_dir/marker.lock for 30 seconds."

"$moment"
[ "$moment" = before ] || exit 0
"""


def render(layout: Layout, watched: Sequence[str]) -> str:
    """The gate of one instance.

    :param watched: absolute paths of the files that the process reads at its start only.
    """
    text = _SCRIPT
    for word, value in {
        "STATE_DIR": layout.state_dir,
        "RUN_DIR": layout.run_dir,
        "FORMAT": str(markers.FORMAT),
        "STARTED_FILE": layout.started_file,
        "UNREAD": UNREAD,
        "SETTINGS": SETTINGS_VARIABLE,
        "FIRST_START": FIRST_START_VARIABLE,
        "GROUP": layout.group,
        "NEWEST": posixpath.basename(layout.newest_file),
        "MACHINE_ID_FILE": MACHINE_ID_FILE,
        "UNIT_FILE": layout.unit_file,
        "UNIT": layout.unit,
        "STARTING": markers.STARTING,
        "STARTED": markers.STARTED,
        "NEVER_STARTED": markers.NEVER_STARTED,
        "LEAVING": markers.LEAVING,
        "REMOVED": markers.REMOVED,
        "RESTORE_PENDING": markers.RESTORE_PENDING,
        "RESTORED": markers.RESTORED,
        "RECOVERY_PENDING": markers.RECOVERY_PENDING,
        "WATCHED": " ".join(f"'{path}'" for path in watched),
    }.items():
        text = text.replace(f"@{word}@", value)
    return text
