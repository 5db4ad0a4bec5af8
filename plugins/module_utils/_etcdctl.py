# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A wrapper for etcdctl, so that root types the commands of any guide on a member, with or without their flags.

etcdctl ends with an error when a setting is given both as a flag and as a variable (etcdctl/ctlv3, flags shadowing the
environment), so each C(ETCDCTL_*) is set only where neither is there.
"""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout

_SCRIPT = """\
#!/bin/sh
# Managed by quorum.etcd: changes made by hand are put right at the next run.
#
# etcdctl with this member and its administrator's certificate as defaults. A flag or an ETCDCTL_* variable of your own
# always wins.
given=
for word in "$@"; do
    case $word in
        --) break ;;
        --*=*) given="$given ${word%%=*} " ;;
        --*) given="$given $word " ;;
    esac
done

has() {
    case $given in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# Version 3 is all that there is, and newer ones complain about the variable that guides set for older ones.
[ "${ETCDCTL_API:-}" != 3 ] || unset ETCDCTL_API
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


def render(layout: Layout, binary: str, endpoint: str, tls: bool) -> str:
    """The wrapper.

    :param binary: the versioned path of the real etcdctl.
    :param endpoint: the local member's client URL; a list would change with every join.
    """
    text = _SCRIPT.replace("@TLS@", _TLS if tls else "")
    for word, value in {"SSL": layout.ssl_dir, "BINARY": binary, "ENDPOINT": endpoint}.items():
        text = text.replace(f"@{word}@", value)
    return text
