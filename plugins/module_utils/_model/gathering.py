# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which releases are gathered for hosts that fetch nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import container, packages, releases, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import PACKAGE


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


def check_named(method: str, asked: str, more: Sequence[str]) -> None:
    """Is it said which release of a distribution's packages is wanted? None of it has the default of a new cluster.

    :param method: C(etcd_install_method).
    :raises BadInput: it is not.
    """
    if method == PACKAGE and not asked and not more:
        raise BadInput(
            "etcd_install_method is package, and no version is named: which one the hosts' distribution has is not "
            "known here. apt-cache madison etcd-server lists what the apt of this machine offers. Name upstream's "
            "version of it: -e etcd_fetch_versions=3.4.23"
        )


def images_in(directory: str, names: Sequence[str], wanted: Mapping[str, tuple[str, str]]) -> list[str]:
    """The archives of images that hosts need. A runtime makes them, which this machine need not have.

    :param names: of the files that the directory has.
    :param wanted: name of an archive -> name of its image, and machine. Empty where the inventory has no name.
    :raises Refused: the directory lacks one, with the commands that make it.
    """
    missing = [name for name in wanted if name not in names]
    if missing:
        raise Refused(
            f"{directory} lacks {', '.join(missing)}, and etcd_install_method is container: images are not gathered by "
            "this playbook.",
            "Whether one is the right one says its ID alone (etcd_container_image_ids), which the hosts compare once "
            "more.",
            "Where the image is known to be good: "
            + "; ".join(container.saving(f"{directory}/{name}", *wanted[name]) for name in missing)
            + ". Then bring that directory to the controller, and write etcd_archive_dir.",
            code="image-not-gathered",
        )
    return list(wanted)
