# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A wrapper for etcdctl, so that root types the commands of any guide on a member, with or without their flags.

etcdctl ends with an error when a setting is given both as a flag and as a variable (etcdctl/ctlv3, flags shadowing the
environment), so each C(ETCDCTL_*) is set only where neither is there.

etcd 3.6 took C(snapshot status), C(snapshot restore) and all of API version 2 out of etcdctl; there C(snapshot status)
prints its usage and ends with 0 (etcdctl/ctlv3/command/snapshot_command.go). C(etcdutl snapshot status) ends with 0 on
a damaged file as well (etcdutl/etcdutl/snapshot_command.go), so the file is read by a program of this collection.
"""

from __future__ import annotations

import posixpath
import shlex

from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

_SCRIPT = """\
#!/bin/sh
# Managed by quorum.etcd: changes made by hand are put right at the next run.
#
# etcdctl with this member and its administrator's certificate as defaults. A flag or an ETCDCTL_* variable of your own
# always wins. Words of guides that this etcdctl no longer has are done by what does it now, or ended with a sentence.
given='' words='' flag='' own=''

say() {
    echo "etcdctl: $*" >&2
    exit 1
}

# Is a directory one of this member's?
look() {
    for dir in @DIRS@; do
        case $(realpath -m -- "$1")/ in "$(realpath -m -- "$dir")"/*) own=$1 ;; esac
    done
}

for word in "$@"; do
    if [ -n "$flag" ]; then
        case $flag in --data-dir | --wal-dir) look "$word" ;; esac
        flag=''
        continue
    fi
    case $word in
        --) break ;;
        --data-dir=* | --wal-dir=*) look "${word#*=}" ;;
        --*=*) given="$given ${word%%=*} " ;;
        --data-dir | --wal-dir | --endpoints | --cacert | --cert | --key | --user | --password | --write-out | -w | \\
            --command-timeout | --dial-timeout) flag=$word given="$given $word " ;;
        --*) given="$given $word " ;;
        -*) ;;
        # Two are enough to know a command, and what is in the others is nobody's business.
        *) case $words in *' '*' '*) ;; *) words="$words$word " ;; esac ;;
    esac
done

has() {
    case $given in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# Version 3 is all that there is, and newer ones complain about the variable that guides set for older ones.
[ "${ETCDCTL_API:-}" != 3 ] || unset ETCDCTL_API
case ${ETCDCTL_API:-3}:$words in
@WORDS@
esac
has --endpoints || export ETCDCTL_ENDPOINTS="${ETCDCTL_ENDPOINTS:-@ENDPOINT@}"
@TLS@
exec @BINARY@ "$@"
"""

_TLS = """\
has --cacert || has --insecure-skip-tls-verify || export ETCDCTL_CACERT="${ETCDCTL_CACERT:-@SSL@/ca.pem}"
if ! has --cert && ! has --key && [ -z "${ETCDCTL_CERT:-}${ETCDCTL_KEY:-}" ]; then
    export ETCDCTL_CERT=@SSL@/admin.pem ETCDCTL_KEY=@SSL@/admin-key.pem
    [ -r "$ETCDCTL_KEY" ] || echo "etcdctl: $ETCDCTL_KEY is readable by root only: use sudo, or --cert and --key." >&2
fi"""

_UNVERIFIED = """\
# Each member made its certificate itself (etcd_auto_tls): there is no CA by which this one could be known.
# Without a file of TLS an older etcdctl takes no heed of the next lines unless it is told that this is TLS.
has --insecure-transport || export ETCDCTL_INSECURE_TRANSPORT="${ETCDCTL_INSECURE_TRANSPORT:-false}"
if ! has --cacert && ! has --insecure-skip-tls-verify && [ -z "${ETCDCTL_CACERT:-}" ]; then
    export ETCDCTL_INSECURE_SKIP_TLS_VERIFY="${ETCDCTL_INSECURE_SKIP_TLS_VERIFY:-true}"
fi"""

# What follows is in the order in which it is matched.

_WITHOUT_VERSION_2 = """\
    2:*) say 'ETCDCTL_API=2 is gone since etcd 3.6, and nothing was done. Unset it: put is what set was,' \\
        'get --prefix --keys-only is ls, del is rm, and snapshot save is backup.' ;;"""

_IN_EVERY_VERSION = """\
    3:'cluster-health '*)
        for word in "$@"; do
            shift
            [ "$word" = cluster-health ] || set -- "$@" "$word"
        done
        set -- endpoint health --cluster "$@" ;;
    3:'snapshot status '*) exec @PYTHON@ @READER@ "$@" ;;
    3:'set '*) say 'set is put now, and nothing was done: etcdctl put KEY VALUE' ;;
    3:'ls '*) say 'ls is get now: etcdctl get --prefix --keys-only KEY (all keys: "")' ;;
    3:'backup '*) say 'backup is snapshot save now, and nothing was saved: etcdctl snapshot save FILE' ;;"""

_MIGRATE = """\
    3:'migrate '*) say 'migrate went with etcd 3.5, and nothing was done. It moves keys of API version 2 to' \\
        'version 3: do that with the etcdctl of etcd 3.4.' ;;"""

_RESTORE = """\
    3:'snapshot restore '*)
        [ -z "$own" ] || say "$own is this member's own directory, and nothing was restored: the members of a" \\
            'cluster are restored together, by ansible-playbook quorum.etcd.restore. Into any other --data-dir a' \\
            'snapshot can be restored here.'
        @INSTEAD@ ;;"""


def render(
    layout: Layout, version: str, release: str, endpoint: str, tls: bool, python: str, verifies: bool = True
) -> str:
    """The wrapper.

    :param version: of etcd.
    :param release: the directory of its programs.
    :param endpoint: the local member's client URL; a list would change with every join.
    :param python: the host's interpreter.
    :param verifies: is there a CA by which its certificate can be judged?
    """
    minor = releases.order(version)[:2]
    # Those of API version 2 are C(etcdctl)'s own business as long as it has them.
    words = [
        *([_WITHOUT_VERSION_2] if minor >= (3, 6) else []),
        _IN_EVERY_VERSION,
        *([_MIGRATE] if minor >= (3, 5) else []),
        _RESTORE,
    ]
    secure = (_TLS if verifies else _UNVERIFIED) if tls else ""
    text = _SCRIPT.replace("@TLS@", secure).replace("@WORDS@", "\n".join(words))
    found = {
        "SSL": layout.ssl_dir,
        "BINARY": posixpath.join(release, "etcdctl"),
        "ENDPOINT": endpoint,
        "DIRS": " ".join(map(shlex.quote, layout.member_dirs)),
        "PYTHON": shlex.quote(python),
        "READER": layout.snapshot_program,
        "INSTEAD": f'exec {posixpath.join(release, "etcdutl")} "$@"' if minor >= (3, 6) else ":",
    }
    for word, value in found.items():
        text = text.replace(f"@{word}@", value)
    return text
