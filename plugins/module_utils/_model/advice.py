# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The commands that a refusal names. Each is complete, so that it is accepted as it stands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence

_CONFIRMED = "etcd_confirm_cluster"
_ROLLBACK = "etcd_rollback"
_OWNER = "etcd_maintenance_owner"
_PLAIN = re.compile(r"[A-Za-z0-9_.@:+-]+")


def fencing(words: Sequence[str]) -> str:
    """The option that names machines that are off; empty without any."""
    return f"-e etcd_fenced={','.join(dict.fromkeys(words))}" if words else ""


def destroy(cluster: str, fenced: Sequence[str] = ()) -> str:
    return _command("destroy", _CONFIRMED, cluster, fenced)


def recover(cluster: str, fenced: Sequence[str] = ()) -> str:
    return _command("recover", _CONFIRMED, cluster, fenced)


def restore(cluster: str, fenced: Sequence[str] = ()) -> str:
    return _command("restore", _CONFIRMED, cluster, fenced)


def save(group: str) -> str:
    """Save a snapshot now.

    :param group: of the inventory, where it has not the usual name.
    """
    given = "" if group == "etcd_cluster" else f" -e etcd_group={group}"
    return f"ansible-playbook quorum.etcd.snapshot -i INVENTORY{given}"


def keep_plan(path: str) -> str:
    """Plan once more, and keep that for approval."""
    return f"ansible-playbook quorum.etcd.etcd -i INVENTORY --check -e etcd_plan_file={path}"


def fetch(directory: str, versions: Sequence[str], architectures: Sequence[str]) -> str:
    """Gather archives on a machine that reaches where they are published."""
    return (
        f"ansible-playbook quorum.etcd.fetch -i INVENTORY -e etcd_fetch_dir={directory} -e "
        f"etcd_fetch_versions={','.join(versions)} -e etcd_fetch_architectures={','.join(architectures)}"
    )


def rollback(playbook: str, cluster: str, fenced: Sequence[str] = ()) -> str:
    """Roll back what C(recover) or C(restore) has begun."""
    return _command(playbook, _ROLLBACK, cluster, fenced)


def undrain(owner: str) -> str:
    """Bring a drained host back, and end its owner's maintenance.

    :param owner: who has drained it. Ansible splits C(KEY=VALUE) at spaces and reads escapes in it, as those of
        C(DOMAIN\\user); of JSON it takes what it says.
    """
    given = f"{_OWNER}={owner}" if _PLAIN.fullmatch(owner) else shlex.quote(json.dumps({_OWNER: owner}))
    return f"ansible-playbook quorum.etcd.undrain -i INVENTORY -e {given}"


def downgrade(minor: int) -> str:
    """Let a cluster go back to a minor of etcd 3."""
    return f"ansible-playbook quorum.etcd.downgrade -i INVENTORY -e etcd_downgrade_to=3.{minor}"


def cancel_downgrade() -> str:
    return "ansible-playbook quorum.etcd.downgrade -i INVENTORY -e etcd_downgrade_cancel=true"


def release_of_data(unit: str) -> str:
    """Find out by which release data were written that do not say it, and confirm that.

    etcd says its release when it starts (server/etcdserver/server.go; 3.4 in other words).
    """
    return (
        f"See which one it was: on the host, journalctl -u {unit} | grep -i etcd.version | tail -n 1, or etcd_version "
        "in the manifest of a snapshot of theirs. Then confirm it: -e etcd_version=X.Y.Z -e etcd_confirm=X.Y.Z"
    )


def _command(playbook: str, variable: str, cluster: str, fenced: Sequence[str]) -> str:
    words = ("ansible-playbook", f"quorum.etcd.{playbook}", "-i INVENTORY", f"-e {variable}={cluster}", fencing(fenced))
    return " ".join(word for word in words if word)
