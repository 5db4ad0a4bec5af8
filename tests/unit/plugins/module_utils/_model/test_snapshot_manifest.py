# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from a_manifest import MANIFEST, MEMBERS
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import Details
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_manifest
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest

DETAILS = Details(
    size=233504,
    sha256="ab" * 32,
    has_hash=True,
    page_size=4096,
    revision=1042,
    last_key_revision=1042,
    compact_revision=1000,
    consistent_index=7,
    term=2,
    cluster_version="3.6.0",
    storage_version="3.6.0",
    members=MEMBERS,
    authentication=False,
    alarms=[],
)


def test_a_manifest_survives_being_written():
    assert Manifest.from_dict(json.loads(json.dumps(MANIFEST.to_dict()))) == MANIFEST


def test_it_says_its_format():
    assert MANIFEST.to_dict()["format"] == 1


def test_what_a_later_release_adds_is_left_out():
    assert Manifest.from_dict({**MANIFEST.to_dict(), "colour": "red"}) == MANIFEST


@pytest.mark.parametrize("given", [None, [], "x", 1, {}, {"size": 1}])
def test_something_else_is_no_manifest(given):
    with pytest.raises(BadInput, match="no manifest"):
        Manifest.from_dict(given)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_format_is_named(version):
    with pytest.raises(BadInput, match="a manifest of format .* where 1 is known"):
        Manifest.from_dict({**MANIFEST.to_dict(), "format": version})


@pytest.mark.parametrize("name", [name for name in MANIFEST.to_dict() if name != "format"])
@pytest.mark.parametrize("value", [None, True, 1.5, {}])
def test_a_value_of_another_type_is_named(name, value):
    with pytest.raises(BadInput, match=f"{name} is "):
        Manifest.from_dict({**MANIFEST.to_dict(), name: value})


@pytest.mark.parametrize("name", [name for name in MANIFEST.to_dict() if name != "format"])
def test_a_value_that_is_missing_is_named(name):
    given = MANIFEST.to_dict()
    del given[name]
    with pytest.raises(BadInput, match=f"{name} is None"):
        Manifest.from_dict(given)


@pytest.mark.parametrize("time", ["", "2026-11-22", "2026-13-22T07:40:00Z", "2026-11-32T07:40:00Z", "yesterday"])
def test_a_time_is_a_time(time):
    with pytest.raises(BadInput, match="taken_at is"):
        Manifest.from_dict({**MANIFEST.to_dict(), "taken_at": time})


def test_members_are_mappings():
    with pytest.raises(BadInput, match="members are no mappings"):
        Manifest.from_dict({**MANIFEST.to_dict(), "members": ["m3"]})


def test_it_lies_beside_its_snapshot():
    assert snapshot_manifest.path_of("/x/prod.db") == "/x/prod.db.json"


def test_a_file_that_agrees_is_accepted():
    snapshot_manifest.check_file(MANIFEST, DETAILS, "/x/prod.db")


@pytest.mark.parametrize(("name", "value"), [("size", 1), ("sha256", "cd" * 32), ("revision", 7)])
def test_a_file_that_disagrees_is_refused_with_what_and_how(name, value):
    with pytest.raises(Refused) as caught:
        snapshot_manifest.check_file(MANIFEST, replace(DETAILS, **{name: value}), "/x/prod.db")
    told = getattr(MANIFEST, name)
    assert f"/x/prod.db and its manifest /x/prod.db.json disagree: {name} is {value} in the file and {told}" in str(
        caught.value
    )


class TestTheOrder:
    def order(self, *given):
        """Of snapshots, each as (cluster's id, revision, day)."""
        found = [
            replace(MANIFEST, cluster_id=cluster_id, revision=revision, taken_at=f"{day}T00:00:00Z")
            for cluster_id, revision, day in given
        ]
        ordered = snapshot_manifest.in_order(found, lambda one: one)
        return [(one.cluster_id, one.revision, one.taken_at[:10]) for one in ordered]

    def test_within_a_cluster_is_that_of_the_revisions_whatever_a_clock_said(self):
        ahead, right = ("aa", 100, "2031-01-01"), ("aa", 1000, "2026-11-22")
        assert self.order(right, ahead) == self.order(ahead, right) == [ahead, right]

    def test_of_one_revision_is_that_of_the_times(self):
        older, newer = ("aa", 100, "2026-11-21"), ("aa", 100, "2026-11-22")
        assert self.order(newer, older) == [older, newer]

    def test_puts_a_cluster_that_was_made_anew_behind_the_one_before(self):
        """It may count from 1 again, under the same name."""
        before, anew = ("bb", 5000, "2026-11-21"), ("aa", 3, "2026-11-22")
        assert self.order(anew, before) == [before, anew]

    def test_of_clusters_is_that_of_their_last_ones(self):
        ahead, last, restored = ("aa", 100, "2031-01-01"), ("aa", 1000, "2026-11-21"), ("bb", 900, "2026-11-22")
        assert self.order(restored, ahead, last) == [ahead, last, restored]
