# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether every host can have what it is to install, before anything is touched."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, packages
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Checksums, Confirmations
from ansible_collections.quorum.etcd.plugins.module_utils._model.packages import Offer
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from inventory_of import CLUSTER_ID, LAYOUT, bare, logged, marked, markers, member_id, seeing, serving, written

PACKAGED = replace(LAYOUT, install_method="package")
BOOKWORM, TRIXIE = "3.4.23-4+b4", "3.5.16-4"


def offered(host, *versions, problem=""):
    return replace(host, offer=Offer(versions, problem))


def packaged(*offers, **variables):
    """New hosts that get etcd from packages, and what each is offered."""
    hosts = [bare(at, layout=PACKAGED, **variables) for at in range(len(offers))]
    return [offered(host, *versions) for host, versions in zip(hosts, offers, strict=True)]


def member(at, version, asked=""):
    """A member in service with the files of a release."""
    ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(at)}
    host = written(logged(marked(bare(at, etcd_version=asked), markers.STARTED, **ids)), version)
    return serving(host, version=version)


def shelved(host, *names, given=()):
    """A host whose archives lie on the controller."""
    known = Checksums(tuple(given), False, "/srv/etcd", names)
    return replace(host, wanted=replace(host.wanted, checksums=known))


def installs(plan):
    return [step.act for step in plan.steps if isinstance(step.act, acts.Install)]


def refusal(hosts):
    with pytest.raises(Refused) as caught:
        cluster_plan.plan(hosts)
    return caught.value


class TestANewClusterOfPackages:
    def test_gets_what_all_are_offered_alike(self):
        plan = cluster_plan.plan(packaged([BOOKWORM], [BOOKWORM], [BOOKWORM]))
        assert installs(plan) == [acts.Install("3.4.23", BOOKWORM)] * 3
        assert "found one with etcd 3.4.23" in plan.summary

    def test_is_refused_where_they_differ_and_the_advice_is_accepted(self):
        refused = refusal(packaged([BOOKWORM], [TRIXIE, BOOKWORM]))
        assert "etcd-host0 3.4.23; etcd-host1 3.5.16" in refused.found
        assert "etcd_version: 3.4.23; or take upstream's archives: etcd_install_method: archive" in refused.remedy
        hosts = packaged([BOOKWORM], [TRIXIE, BOOKWORM], etcd_version="3.4.23")
        assert installs(cluster_plan.plan(hosts)) == [acts.Install("3.4.23", BOOKWORM)] * 2

    def test_is_refused_a_release_that_apt_does_not_offer(self):
        refused = refusal(packaged([BOOKWORM], [BOOKWORM], [BOOKWORM], etcd_version="3.6.14"))
        assert refused.code == "package-not-offered"
        assert "etcd 3.6.14 are to be installed on etcd-host0, etcd-host1, etcd-host2" in refused.found
        assert f"etcd-host0: {BOOKWORM}; etcd-host1: {BOOKWORM}" in refused.found
        assert "etcd_version: 3.4.23; or" in refused.remedy

    def test_is_refused_where_nothing_is_offered_alike(self):
        refused = refusal(packaged([BOOKWORM], [TRIXIE], etcd_version="3.6.14"))
        assert refused.remedy == "Take upstream's archives: etcd_install_method: archive"

    def test_is_refused_on_a_host_without_apt(self):
        hosts = packaged([BOOKWORM], [BOOKWORM], [])
        hosts[2] = offered(hosts[2], problem="has no dpkg-deb")
        assert refusal(hosts).found == "etcd-host2 has no dpkg-deb."
        named = [replace(one, wanted=replace(one.wanted, version="3.4.23")) for one in hosts]
        assert refusal(named).found == "etcd-host2 has no dpkg-deb."

    def test_is_warned_of_a_release_with_a_known_fault(self):
        plan = cluster_plan.plan(packaged([TRIXIE], [TRIXIE], [TRIXIE]))
        assert installs(plan)
        assert any("etcd 3.5.16 has a known fault" in text for text in plan.warnings)
        assert any("-e etcd_version=3.6.14 -e etcd_install_method=archive" in text for text in plan.warnings)


class TestPackagesOnTheController:
    BOTH = tuple(packages.file_name(one, BOOKWORM, "x86_64") for one in packages.PACKAGES)

    def hosts(self, *names, given=(), **variables):
        return [shelved(bare(at, layout=PACKAGED, **variables), *names, given=given) for at in range(3)]

    def test_are_taken_with_a_checksum(self):
        plan = cluster_plan.plan(self.hosts(*self.BOTH, given=self.BOTH))
        assert installs(plan) == [acts.Install("3.4.23", BOOKWORM)] * 3

    def test_are_refused_without_one(self):
        with pytest.raises(BadInput) as caught:
            cluster_plan.plan(self.hosts(*self.BOTH))
        assert [text for name, text in zip(self.BOTH, caught.value.texts, strict=True) if name not in text] == []

    def test_that_are_missing_are_named(self):
        refused = refusal(self.hosts(self.BOTH[0], etcd_version="3.4.23"))
        assert refused.code == "archive-missing"
        assert "lacks etcd-server_3.4.23-*_amd64.deb, etcd-client_3.4.23-*_amd64.deb" in refused.found

    def test_of_one_release_are_one(self):
        more = [packages.file_name(one, "3.4.23-5", "x86_64") for one in packages.PACKAGES]
        refused = refusal(self.hosts(*self.BOTH, *more, given=(*self.BOTH, *more)))
        assert "several packages of etcd 3.4.23" in str(refused)


class TestAClusterThatServes:
    def cluster(self, version, offers, asked=""):
        hosts = [member(at, version, asked) for at in range(3)]
        moved = [replace(one, wanted=replace(one.wanted, layout=PACKAGED)) for one in hosts]
        return [offered(seeing(one, releases=[]), *offers) for one in moved]

    def test_moves_to_packages_of_the_release_that_it_runs(self):
        plan = cluster_plan.plan(self.cluster("3.4.23", [BOOKWORM]))
        assert installs(plan) == [acts.Install("3.4.23", BOOKWORM)] * 3
        updates = [step.act for step in plan.steps if isinstance(step.act, acts.Update)]
        assert [one.restart for one in updates] == [True] * 3

    def test_gets_a_newer_revision_by_a_restart_once_the_old_one_is_moved_away(self):
        hosts = [written(one, "3.4.23") for one in self.cluster("3.4.23", ["3.4.23-5", BOOKWORM])]
        hosts = [seeing(one, unit={"enabled": "enabled"}, releases=["3.4.23"][:at]) for at, one in enumerate(hosts)]
        named = [replace(one, wanted=replace(one.wanted, said=Confirmations(restart=("etcd-host0",)))) for one in hosts]
        steps = cluster_plan.plan(named).steps
        assert installs(cluster_plan.plan(named)) == [acts.Install("3.4.23", "3.4.23-5")]
        kinds = [type(step.act) for step in steps if step.host == "etcd-host0"]
        assert kinds.index(acts.Install) < kinds.index(acts.Update)

    def test_does_not_where_apt_has_another_and_is_not_told_to_go_back(self):
        refused = refusal(self.cluster("3.6.14", [BOOKWORM]))
        assert "apt offers etcd-host0: 3.4.23-4+b4" in refused.found
        assert refused.remedy == "Take upstream's archives: etcd_install_method: archive"

    def test_is_told_of_a_release_on_the_way_that_apt_lacks(self):
        refused = refusal(self.cluster("3.4.23", [TRIXIE, BOOKWORM], asked="3.6.14"))
        assert "Packages of etcd 3.5.33 and 3.6.14 are to be installed" in refused.found
        assert "etcd_version: 3.5.16 or 3.4.23; or" in refused.remedy


def moving(offers, running, asked=""):
    """Members in service out of archives that are to come out of packages from now on."""
    hosts = [member(at, running, asked) for at in range(len(offers))]
    hosts = [replace(one, wanted=replace(one.wanted, layout=PACKAGED)) for one in hosts]
    return [offered(seeing(one, releases=[]), *versions) for one, versions in zip(hosts, offers, strict=True)]


def by_archives(hosts):
    return [replace(one, wanted=replace(one.wanted, layout=LAYOUT)) for one in hosts]


def asking(hosts, version):
    return [replace(one, wanted=replace(one.wanted, version=version)) for one in hosts]


@pytest.mark.parametrize("running", ["", "3.4.23", "3.5.16"])
@pytest.mark.parametrize("asked", ["", "3.4.23", "3.5.16", "3.6.14"])
def test_whatever_a_refusal_of_packages_names_is_accepted(running, asked):
    """Alone or beside other hosts: no advice leads to the next refusal."""
    for offers in product(([], [BOOKWORM], [TRIXIE], [TRIXIE, BOOKWORM]), repeat=2):
        hosts = moving([*offers, offers[0]], running, asked) if running else asking(packaged(*offers), asked)
        try:
            cluster_plan.plan(hosts)
            continue
        except Refused as caught:
            if caught.code == "version-lower":
                continue
            assert {problem.code for problem in caught.problems} == {"package-not-offered"}
            (remedy,) = {problem.safe for problem in caught.problems}
        assert remedy.endswith("upstream's archives: etcd_install_method: archive")
        cluster_plan.plan(by_archives(hosts))
        named = re.search(r"etcd_version: ([0-9. or]+);", remedy)
        for version in named.group(1).split(" or ") if named else ():
            cluster_plan.plan(asking(hosts, version))


def test_the_version_of_a_package_is_refused_with_the_release_that_is_accepted():
    with pytest.raises(BadInput, match=r"Give the release of etcd in it: 3\.4\.23\."):
        cluster_plan.plan(packaged([BOOKWORM], [BOOKWORM], etcd_version=BOOKWORM))
    assert installs(cluster_plan.plan(packaged([BOOKWORM], [BOOKWORM], etcd_version="3.4.23")))


def test_packages_that_are_not_published_are_no_dead_end():
    both = tuple(packages.file_name(one, BOOKWORM, "x86_64") for one in packages.PACKAGES)
    hosts = [shelved(bare(at, layout=PACKAGED, etcd_version="3.6.14"), *both, given=both) for at in range(3)]
    refused = refusal(hosts)
    assert refused.code == "archive-missing"
    assert "If there are none: give one that they are all offered, etcd_version: 3.4.23; or" in refused.remedy
    assert installs(cluster_plan.plan(asking(hosts, "3.4.23")))


IMAGE = "2f" * 32


class TestAnImage:
    """What a runtime has, a registry or an archive: without any of them nothing is begun."""

    ARCHIVE = "etcd-v3.6.14-linux-amd64-container.tar"

    def hosts(self, name="", stored=(), ids=None):
        layout = replace(LAYOUT, install_method="container")
        ids = {"3.6.14": IMAGE} if ids is None else ids
        found = [seeing(bare(at, layout=layout), stored_images=stored) for at in range(3)]
        inside = Container("podman", name, ids)
        return [replace(one, wanted=replace(one.wanted, container=inside)) for one in found]

    def test_without_any_source_is_refused_by_the_plan(self):
        refused = refusal(self.hosts())
        assert refused.code == "image-missing"
        assert f"where etcd-host0, etcd-host1, etcd-host2 would get {self.ARCHIVE} from" in refused.found
        assert f"podman load --input {self.ARCHIVE}" in refused.remedy

    def test_that_another_runtime_has_is_none(self):
        assert refusal(self.hosts(stored=[f"docker {IMAGE}"])).code == "image-missing"

    def test_with_each_source_that_the_refusal_names_is_installed(self):
        named = self.hosts("registry.example.com/etcd:v{version}")
        in_archives = [shelved(one, self.ARCHIVE) for one in self.hosts()]
        for hosts in (named, in_archives, self.hosts(stored=[f"podman {IMAGE}"])):
            assert installs(cluster_plan.plan(hosts)) == [acts.Install("3.6.14", self.ARCHIVE)] * 3

    def test_without_an_id_is_refused_for_that_alone(self):
        with pytest.raises(BadInput, match="has no ID for etcd 3.6.14"):
            cluster_plan.plan(self.hosts(ids={}))


class TestArchivesOnTheController:
    def test_that_are_missing_are_named_at_once_with_the_command_that_gets_them(self):
        hosts = [member(at, "3.4.23", "3.6.14") for at in range(3)]
        refused = refusal([shelved(one, "etcd-v3.4.23-linux-amd64.tar.gz") for one in hosts])
        assert refused.code == "archive-missing"
        assert "lacks etcd-v3.5.33-linux-amd64.tar.gz, etcd-v3.6.14-linux-amd64.tar.gz" in refused.found
        assert (
            "ansible-playbook quorum.etcd.fetch -i INVENTORY -e etcd_fetch_dir=/srv/etcd -e "
            "etcd_fetch_versions=3.5.33,3.6.14 -e etcd_fetch_architectures=amd64"
        ) in refused.remedy

    def test_that_a_host_needs_to_join_are_named_too(self):
        hosts = [serving(bare(at)) for at in range(3)]
        refused = refusal([*hosts, shelved(bare(3))])
        assert "lacks etcd-v3.6.14-linux-amd64.tar.gz" in refused.found

    def test_are_not_asked_for_where_they_are_unpacked(self):
        assert cluster_plan.plan([shelved(serving(bare(at))) for at in range(3)]).steps == []

    def test_need_a_checksum_that_is_known_here(self):
        name = "etcd-v3.7.1-linux-amd64.tar.gz"
        hosts = [bare(at, etcd_version="3.7.1") for at in range(3)]
        with pytest.raises(BadInput, match=f"No checksum is known for {name}"):
            cluster_plan.plan([shelved(one, name) for one in hosts])
        assert installs(cluster_plan.plan([shelved(one, name, given=[name]) for one in hosts]))


class TestTheDistributionsServer:
    def test_beside_a_member_is_a_warning(self):
        seen = {packages.SERVER_LIST: {"exists": True}}
        hosts = [seeing(serving(bare(at)), files=seen if at == 1 else {}) for at in range(3)]
        plan = cluster_plan.plan(hosts)
        (text,) = [one for one in plan.warnings if "etcd-server" in one]
        assert text.startswith("etcd-host1: the distribution's etcd-server is or was installed there")
        assert "its purge deletes /var/lib/etcd" in text
        assert "apt-mark hold etcd-server" in text

    def test_of_another_unit_or_directory_is_none_or_no_danger_to_the_data(self):
        seen = {packages.SERVER_LIST: {"exists": True}}
        elsewhere = replace(LAYOUT, data_dir="/srv/etcd")
        hosts = [seeing(serving(bare(at, layout=elsewhere)), files=seen) for at in range(3)]
        (text,) = [one for one in cluster_plan.plan(hosts).warnings if "etcd-server" in one]
        assert "purge deletes" not in text
        other = replace(LAYOUT, instance="etcd2")
        assert packages.SERVER_LIST not in bare(layout=other).seen.files
