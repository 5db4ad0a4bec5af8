# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way a cluster may go from one release to another, and which one etcd would take and we do not."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.upgrade_rules import FLAWS, FLOORS


def code_of(running, target):
    with pytest.raises(Refused) as refused:
        upgrade_rules.path(running, target)
    return refused.value.code


@pytest.mark.parametrize(
    "running, target, path",
    [
        (["3.6.13"], "3.6.14", ["3.6.14"]),
        (["3.6.14"], "3.6.13", ["3.6.13"]),
        (["3.6.14"], "3.7.1", ["3.7.1"]),
        (["3.4.23"], "3.5.33", ["3.5.33"]),
        (["3.4.23"], "3.7.1", ["3.5.33", "3.6.14", "3.7.1"]),
        # Below the floor of the next minor there is a stage more.
        (["3.5.31"], "3.6.14", ["3.5.33", "3.6.14"]),
        (["3.5.32"], "3.6.14", ["3.6.14"]),
        (["3.6.10"], "3.7.1", ["3.6.14", "3.7.1"]),
        (["3.6.11"], "3.7.1", ["3.7.1"]),
        # Somewhere on the way.
        (["3.5.33", "3.6.14"], "3.7.1", ["3.6.14", "3.7.1"]),
        (["3.5.20", "3.6.14"], "3.6.14", ["3.5.33", "3.6.14"]),
        (["3.6.14", "3.7.1"], "3.7.1", ["3.7.1"]),
        # The way out of what was begun.
        (["3.6.14", "3.7.1"], "3.6.14", ["3.6.14"]),
    ],
)
def test_a_minor_at_a_time(running, target, path):
    assert upgrade_rules.path(running, target) == path


@pytest.mark.parametrize(
    "running, target, code",
    [
        (["3.7.1"], "3.6.14", "version-lower"),
        (["3.6.14"], "3.4.23", "version-lower"),
        (["3.6.14", "3.7.1"], "3.5.33", "version-lower"),
        (["3.4.23", "3.6.14"], "3.6.14", "version-jump"),
        (["3.7.1"], "3.9.0", "version-jump"),
        (["3.4.23"], "3.5.2", "release-loses-data"),
        # Beside the newer minor these could not go on.
        (["3.5.33", "3.6.14"], "3.5.20", "version-jump"),
        (["3.6.14", "3.7.1"], "3.6.5", "version-jump"),
    ],
)
def test_no_step_that_costs_data(running, target, code):
    assert code_of(running, target) == code


def test_each_release_on_a_way_is_above_the_floor_of_the_next():
    for next_minor, (floor, source) in FLOORS.items():
        assert releases.order(releases.of_minor(floor)) >= releases.order(floor)
        assert releases.minor(floor) == next_minor - 1
        assert source.startswith("https://etcd.io/docs/")


@pytest.mark.parametrize(
    "others, version",
    [
        (["3.4.23"], "3.6.14"),
        (["3.6.14"], "3.4.23"),
        (["3.5.31", "3.5.33"], "3.6.14"),
        (["3.6.10"], "3.7.1"),
        (["3.6.14"], "3.5.20"),
        (["3.7.1", "3.6.14"], "3.6.10"),
    ],
)
def test_no_member_starts_beside_one_that_is_too_far_away(others, version):
    with pytest.raises(Refused) as refused:
        upgrade_rules.check_step(others, version)
    assert refused.value.code == "version-jump"


@pytest.mark.parametrize(
    "others, version", [([], "3.7.1"), (["3.5.33", "3.6.14"], "3.6.14"), (["3.7.1"], "3.6.14"), (["3.6.1"], "3.6.14")]
)
def test_a_member_starts_beside_those_of_its_own_minor_and_the_next(others, version):
    upgrade_rules.check_step(others, version)


class TestReleasesWithAFault:
    @pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: f"3.{flaw.minor}.{flaw.first}")
    def test_say_where_it_is_written(self, flaw):
        assert flaw.source.startswith("https://github.com/etcd-io/etcd/")
        assert flaw.first < flaw.fixed

    def test_that_loses_data_go_to_nobody(self):
        with pytest.raises(Refused, match="-e etcd_version=3.5.33"):
            upgrade_rules.check_release("3.5.2")
        upgrade_rules.check_release("3.5.3")

    def test_are_warned_of_while_they_run(self):
        assert any("damaged data" in text for text in upgrade_rules.remarks("3.6.4"))
        assert any("It is mended in 3.6.14" in text for text in upgrade_rules.remarks("3.6.13"))

    @pytest.mark.parametrize("version", releases.KNOWN)
    def test_are_not_among_those_that_are_known_best(self, version):
        assert not any(flaw.has(version) for flaw in FLAWS)

    def test_that_get_no_fixes_are_named_with_the_date(self):
        (text,) = upgrade_rules.remarks("3.5.33")
        assert f"as of {releases.READ_ON}" in text
        assert list(upgrade_rules.remarks(releases.DEFAULT_VERSION)) == []


class TestWhereItEndsForNow:
    @pytest.mark.parametrize(
        "asked, stop_at, found",
        [
            ("3.7.1", "", "3.7.1"),
            ("", "", ""),
            ("3.7.1", "3.6", "3.6.14"),
            ("3.7.1", "3.6.12", "3.6.12"),
            ("3.6.14", "3.6", "3.6.14"),
            ("3.6.14", "3.7", "3.6.14"),
        ],
    )
    def test_is_a_minor_or_a_release(self, asked, stop_at, found):
        assert upgrade_rules.destination(asked, stop_at) == found

    @pytest.mark.parametrize(
        "asked, stop_at, running, found",
        [
            ("3.7.1", "3.6", ["3.6.15"], "3.6.15"),
            ("3.7.1", "3.6", ["3.6.13"], "3.6.14"),
            ("3.7.1", "3.6", ["3.7.1"], "3.7.1"),
            ("3.7.1", "3.5.33", ["3.5.33"], "3.5.33"),
            # That is refused, and by its own name.
            ("3.6.14", "3.5", ["3.7.1"], "3.6.14"),
        ],
    )
    def test_is_below_nothing_that_runs(self, asked, stop_at, running, found):
        assert upgrade_rules.destination(asked, stop_at, running) == found

    def test_is_named_where_it_is_refused(self):
        with pytest.raises(Refused, match="etcd_upgrade_stop_at is 3.5.2") as refused:
            upgrade_rules.path(["3.4.23"], "3.5.2", "etcd_upgrade_stop_at")
        assert "-e etcd_upgrade_stop_at=3.5.33" in refused.value.remedy

    @pytest.mark.parametrize("asked, stop_at", [("3.7.1", "soon"), ("3.7.1", "3.9"), ("3.7.1", "4"), ("", "3.6")])
    def test_that_is_none_is_refused(self, asked, stop_at):
        with pytest.raises(BadInput, match="etcd_upgrade_stop_at"):
            upgrade_rules.destination(asked, stop_at)
