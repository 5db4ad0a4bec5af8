# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which releases are gathered for hosts that fetch nothing themselves."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import packages, releases, upgrade_rules


def versions(asked: str, stop_at: str, running: str, more: Sequence[str], default: str) -> list[str]:
    """The releases that are needed, in the order in which members get them.

    :param asked: C(etcd_version); empty for none.
    :param stop_at: C(etcd_upgrade_stop_at).
    :param running: what the members run now; empty for a new cluster.
    :param more: what is asked for by name. Without any, that is what C(asked) leads to.
    :param default: what a new cluster gets where nothing is asked for.
    :raises BadInput: one is none.
    :raises Refused: there is no safe way from what runs to what is asked for.
    """
    found = [releases.plain(one) for one in more]
    if running or not found:
        target = upgrade_rules.destination(releases.plain(asked), stop_at, [running] if running else []) or default
        way = upgrade_rules.path([releases.plain(running)], target) if running else [target]
        # A host that joins meanwhile, or whose disk is lost, gets what the others run.
        found += [releases.plain(running), *way] if running else way
    for version in found:
        releases.check_version(version)
    return sorted(dict.fromkeys(found), key=releases.order)


def machines(given: Sequence[str]) -> list[str]:
    """The architectures as the kernel names them, each by that name or by etcd's.

    :raises BadInput: there are no archives for one.
    """
    kernels = {name: machine for machine, name in releases.ARCHITECTURES.items()}
    found = [kernels.get(one, one) for one in given]
    for machine in found:
        releases.architecture(machine)
    if not found:
        raise BadInput("etcd_fetch_architectures names none. Write one or more, such as amd64.")
    return list(dict.fromkeys(found))


def are_held(names: Sequence[str], version: str, machine: str) -> list[str]:
    """The names of both packages of a release, of which a directory has one revision; empty where it has not.

    :raises BadInput: it has several.
    """
    having = [one for one in packages.in_files(names, machine) if packages.upstream(one) == version]
    if len(having) > 1:
        raise BadInput(
            f"There are several packages of etcd {version} for {packages.ARCHITECTURES[machine]}: {', '.join(having)}. "
            "Keep one of them there, and move the others away."
        )
    return [packages.file_name(one, having[0], machine) for one in packages.PACKAGES] if having else []
