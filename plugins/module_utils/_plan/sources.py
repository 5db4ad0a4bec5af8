# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Can every host have the releases that it is to install, by the way in which it gets them (C(etcd_install_method))?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    acts,
    advice,
    container,
    packages,
    releases,
    upgrade_rules,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ARCHIVE, CONTAINER, PACKAGE
from ansible_collections.quorum.etcd.plugins.module_utils._plan import member_releases

#: A host, and a release that it is to have.
Need = tuple[Host, str]


class _Way(NamedTuple):
    """One way to install.

    :param named: what a host takes a release from.
    :param check: notes where one cannot be had, and what all hosts that come this way could have.
    :param default: what a new cluster gets without C(etcd_version).
    """

    named: Callable[[Host, str], str]
    check: Callable[[Sequence[Need], Sequence[Host], Findings], None]
    default: Callable[[Sequence[Host]], str]


def named(host: Host, version: str) -> str:
    """What a host takes a release from: the name of an archive, or the version of a package."""
    return _WAYS[_method(host)].named(host, version)


def default_version(hosts: Sequence[Host]) -> str:
    """What a new cluster gets without C(etcd_version).

    :raises Refused: its hosts are not offered the same.
    """
    methods = {_method(host) for host in hosts if host.wanted is not None} or {ARCHIVE}
    return _WAYS[min(methods, key=list(_WAYS).index)].default(hosts)


def options_of_others(hosts: Sequence[Host]) -> str:
    """The option without which a release that is not the hosts' own could not be had; empty where none is needed."""
    return f" -e etcd_install_method={ARCHIVE}" if any(_method(host) == PACKAGE for host in hosts) else ""


def check(needs: Iterable[Need], hosts: Sequence[Host] = ()) -> None:
    """See that each host can have each release that it lacks, with all that is missing at once.

    :param hosts: those of the cluster, for a release that is named in place of another is for all of them. Without
        any, those of C(needs).
    :raises BadInput: there is nothing to hold an archive against.
    :raises Refused: there is no such archive or package.
    """
    found, asked = Findings(), list(needs)
    lacking = [need for need in asked if _lacks(*need)]
    everybody = {host.name: host for host in hosts or [host for host, _version in asked]}
    told = [one for one in everybody.values() if not one.silent and one.wanted is not None and one.wanted.present]
    for method, way in _WAYS.items():
        having = [host for host in told if _method(host) == method]
        way.check([need for need in lacking if _method(need[0]) == method], having, found)
    found.end()


def check_steps(steps: Iterable[Step], hosts: Sequence[Host]) -> None:
    """See that all can be had which steps of a plan install.

    :raises EtcdError: as C(check).
    """
    by_name = {host.name: host for host in hosts}
    check(((by_name[step.host], step.act.version) for step in steps if isinstance(step.act, acts.Install)), hosts)


def _lacks(host: Host, version: str) -> bool:
    return not host.silent and host.wanted is not None and not host.has_release(version)


def _method(host: Host) -> str:
    return host.wanted.layout.install_method if host.wanted is not None else ARCHIVE


def _machine(host: Host) -> str:
    return host.seen.host.architecture


# -- archives --------------------------------------------------------------------------------------------------------


def _archive(host: Host, version: str) -> str:
    return releases.archive(version, _machine(host))


def _check_archives(needs: Sequence[Need], _hosts: Sequence[Host], found: Findings) -> None:
    missing: list[tuple[Need, str]] = []
    for host, version in needs:
        if host.wanted is None or _machine(host) not in releases.ARCHITECTURES:
            continue
        known, archive = host.wanted.checksums, _archive(host, version)
        if known.directory and archive not in known.held:
            missing.append(((host, version), archive))
        else:
            found.run(releases.check_checksum, archive, known.given, known.listed)
    _refuse_missing(missing, found)


def _refuse_missing(missing: Sequence[tuple[Need, str]], found: Findings, otherwise: str = "") -> None:
    """Name all files that C(etcd_archive_dir) lacks, and the command that gets them.

    :param otherwise: what is safe where they are not to be had.
    """
    if not missing:
        return
    places = {need[0].wanted.checksums.directory: None for need, _name in missing if need[0].wanted is not None}
    names = dict.fromkeys(name for _need, name in missing)
    place = next(iter(places))
    versions = sorted({version for (_host, version), _name in missing}, key=releases.order)
    architectures = {releases.ARCHITECTURES[_machine(host)] for (host, _version), _name in missing}
    found.refuse(
        [
            Refused(
                f"{' and '.join(places)} (etcd_archive_dir) on the controller lacks {', '.join(names)}.",
                "The hosts fetch nothing themselves where that is set, so that the run would end halfway.",
                f"Where there is a way out: {advice.fetch(place, versions, sorted(architectures))}. Then bring that "
                f"directory to the controller.{otherwise}",
                code="archive-missing",
            )
        ]
    )


def _default_archive(_hosts: Sequence[Host]) -> str:
    return releases.DEFAULT_VERSION


# -- packages --------------------------------------------------------------------------------------------------------


def _offered(host: Host) -> list[str]:
    """The versions of packages that a host may take, the newest first where apt offers them."""
    if host.wanted is not None and host.wanted.checksums.directory:
        return packages.in_files(host.wanted.checksums.held, _machine(host))
    return list(host.offer.versions) if host.offer is not None else []


def _releases_offered(host: Host) -> list[str]:
    return list(dict.fromkeys(packages.upstream(one) for one in _offered(host)))


def _package(host: Host, version: str) -> str:
    return packages.of_release(_offered(host), version)


def _check_packages(needs: Sequence[Need], hosts: Sequence[Host], found: Findings) -> None:
    unable = _unable([host for host, _version in needs])
    if unable:
        found.refuse([_cannot(unable)])
        return
    missing: list[tuple[Need, str]] = []
    refused: list[Need] = []
    for host, version in needs:
        if host.wanted is None:
            continue
        known = host.wanted.checksums
        having = [one for one in _offered(host) if packages.upstream(one) == version]
        if known.directory and len(having) > 1:
            found.refuse([_several(host, version, having)])
        elif known.directory and having:
            for one in packages.PACKAGES:
                name = packages.file_name(one, having[0], _machine(host))
                found.run(releases.check_checksum, name, known.given, False)
        elif known.directory:
            dpkg = packages.ARCHITECTURES.get(_machine(host), _machine(host))
            missing += [((host, version), f"{one}_{version}-*_{dpkg}.deb") for one in packages.PACKAGES]
        elif not having:
            refused.append((host, version))
    ways = _ways(hosts)
    _refuse_missing(missing, found, f" If there are none: {ways[0].lower()}{ways[1:]}")
    if refused:
        found.refuse([_not_offered(refused, hosts)])


def _unable(hosts: Sequence[Host]) -> dict[str, str]:
    """Hosts that can take nothing from packages, and why."""
    return {host.label: host.offer.problem for host in hosts if host.offer is not None and host.offer.problem}


def _cannot(unable: dict[str, str]) -> Refused:
    return Refused(
        " ".join(f"{label} {problem}." for label, problem in unable.items()),
        "etcd_install_method is package: its programs come out of the distribution's packages and from nowhere else.",
        "Mend what is said there, or take upstream's archives: etcd_install_method: archive",
        code="package-not-offered",
    )


def _several(host: Host, version: str, having: Sequence[str]) -> Refused:
    place = host.wanted.checksums.directory if host.wanted is not None else ""
    return Refused(
        f"{place} (etcd_archive_dir) has several packages of etcd {version} for {host.label}: {', '.join(having)}.",
        "Which of them is meant nobody can tell, and members would run different ones under one version.",
        "Keep one of them there, and move the others away.",
        code="package-not-offered",
    )


def _not_offered(refused: Sequence[Need], everybody: Sequence[Host]) -> Refused:
    hosts = list(dict.fromkeys(host.label for host, _version in refused))
    versions = sorted({version for _host, version in refused}, key=releases.order)
    first = {host.label: host for host, _version in refused}
    offered = {label: ", ".join(_offered(host)) or _nothing(host) for label, host in first.items()}
    return Refused(
        f"Packages of etcd {' and '.join(versions)} are to be installed on {', '.join(hosts)}, and apt offers "
        + "; ".join(f"{label}: {text}" for label, text in offered.items())
        + ".",
        "etcd_install_method is package, and a release that the distribution does not have cannot come from it.",
        _ways(everybody),
        code="package-not-offered",
    )


def _nothing(host: Host) -> str:
    """A member that runs what it is to run was not asked about any other release."""
    return "no etcd" if host.offer is not None else f"{host.version} as far as it was asked"


def _ways(hosts: Sequence[Host]) -> str:
    """The settings that would be accepted."""
    common = _common(hosts)
    having = {host.label: member_releases.own(host) for host in hosts}
    # A member that comes another way first gets the release that it has in the new one.
    stays = all(having[host.label] in ("", *_obtainable(host)) for host in hosts)
    running = {version for version in having.values() if version}
    good = [version for version in common if stays and _leads_to(running, version, common)]
    first = f"Give one that they are all offered, etcd_version: {' or '.join(good)}; or take" if good else "Take"
    return f"{first} upstream's archives: etcd_install_method: archive"


def _leads_to(running: Collection[str], version: str, offered: Collection[str]) -> bool:
    """Can members go there by way of releases that are offered alone?"""
    try:
        return not running or set(running) == {version} or set(upgrade_rules.path(running, version)) <= set(offered)
    except Refused:
        return False


def _common(hosts: Sequence[Host]) -> list[str]:
    """The releases that all hosts are offered, or have."""
    each = [_obtainable(host) for host in hosts]
    return [version for version in each[0] if all(version in one for one in each)] if each else []


def _obtainable(host: Host) -> list[str]:
    return list(dict.fromkeys([*_releases_offered(host), *host.seen.releases]))


def _default_package(hosts: Sequence[Host]) -> str:
    """The newest release that the hosts are offered, if that is the same for all.

    :raises Refused: it is not.
    """
    asked = [host for host in hosts if not host.silent and host.wanted is not None]
    unable = _unable(asked)
    if unable:
        raise _cannot(unable)
    newest = {host.label: max(_releases_offered(host), key=releases.order, default="") for host in asked}
    if len(set(newest.values())) == 1 and all(newest.values()):
        return next(iter(newest.values()))
    raise Refused(
        "No etcd_version is given, and the hosts are not offered the same packages: "
        + "; ".join(f"{label} {version or 'no etcd'}" for label, version in newest.items())
        + ".",
        "The members of a new cluster all begin with one release.",
        _ways(asked),
        code="package-not-offered",
    )


# -- images ----------------------------------------------------------------------------------------------------------


def _image(host: Host, version: str) -> str:
    return container.archive(version, _machine(host))


def _check_images(needs: Sequence[Need], _hosts: Sequence[Host], found: Findings) -> None:
    missing: list[tuple[Need, str]] = []
    nowhere: list[Need] = []
    for host, version in needs:
        if host.wanted is None or _machine(host) not in releases.ARCHITECTURES:
            continue
        known, archive = host.wanted.checksums, _image(host, version)
        if known.directory and archive not in known.held:
            missing.append(((host, version), archive))
        image = found.run(host.wanted.container.record, version)
        if image and not known.directory and not host.wanted.container.name and image not in host.seen.stored_images:
            nowhere.append((host, version))
    if nowhere:
        found.refuse([_no_source(nowhere)])
    if missing:
        places = {host.wanted.checksums.directory: None for (host, _v), _name in missing if host.wanted is not None}
        found.refuse([_no_image(next(iter(places)), missing)])


def _no_image(place: str, missing: Sequence[tuple[Need, str]]) -> Refused:
    names = {
        name: (host.wanted.container.reference(version) if host.wanted is not None else "", _machine(host))
        for (host, version), name in missing
    }
    return Refused(
        f"{place} (etcd_archive_dir) on the controller lacks {', '.join(names)}.",
        "The hosts pull nothing themselves where that is set, so that the run would end halfway.",
        "Where the image is: "
        + "; ".join(container.saving(f"{place}/{name}", image, machine) for name, (image, machine) in names.items())
        + ". Or take etcd_archive_dir out, and have the hosts pull etcd_container_image.",
        code="archive-missing",
    )


def _no_source(nowhere: Sequence[Need]) -> Refused:
    """No registry, no archive, and the runtime has no such image: a run would end after it has begun."""
    hosts = ", ".join(dict.fromkeys(host.label for host, _version in nowhere))
    archives = dict.fromkeys(_image(*need) for need in nowhere)
    runtimes = dict.fromkeys(host.wanted.container.runtime for host, _version in nowhere if host.wanted is not None)
    loads = "; ".join(f"{runtime} load --input {name}" for runtime in runtimes for name in archives)
    return Refused(
        f"Nothing says where {hosts} would get {' and '.join(archives)} from: neither etcd_container_image nor "
        "etcd_archive_dir is set, and the runtime there has no image of that ID.",
        "The run would end once certificates are made and the first hosts are changed.",
        "Set etcd_container_image to its name at a registry, such as registry.example.com/etcd:v{version}; or "
        f"etcd_archive_dir to a directory on the controller with {', '.join(archives)}; or load it on each host: "
        f"{loads}",
        code="image-missing",
    )


#: By C(etcd_install_method). Of several in one cluster the first one here decides on a default, for it has less choice.
_WAYS = {
    PACKAGE: _Way(_package, _check_packages, _default_package),
    ARCHIVE: _Way(_archive, _check_archives, _default_archive),
    CONTAINER: _Way(_image, _check_images, _default_archive),
}
