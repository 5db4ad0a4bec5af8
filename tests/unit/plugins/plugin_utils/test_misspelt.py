# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.plugin_utils import _misspelt


@pytest.mark.parametrize(
    "name, meant",
    [
        ("etcd_verison", "etcd_version"),
        ("etcd_setings", "etcd_settings"),
        ("etcd_adress", "etcd_address"),
        ("etcd_tsl", "etcd_tls"),
        ("etcd_datadir", "etcd_data_dir"),
        ("etcd_snapshot_schedul", "etcd_snapshot_schedule"),
        ("etcd_fence", "etcd_fenced"),
        ("etcd_reclaim_keep_revision", "etcd_reclaim_keep_revisions"),
        ("ETCD_NODE", "ETCD_NODES"),
    ],
)
def test_a_near_miss_names_the_variable_that_was_meant(name, meant):
    with pytest.raises(BadInput) as caught:
        _misspelt.check([name, "etcd_version"], [])
    assert f"{name} is no variable of quorum.etcd" in str(caught.value)
    assert f"Did you mean {meant}?" in str(caught.value)
    assert str(caught.value).endswith(f"etcd_known_variables: [{name}]")


@pytest.mark.parametrize(
    "name",
    [
        # Of other roles and of the guides.
        "etcd_ssl_dir",
        "etcd_ca_dir",
        "etcd_cert_dir",
        "etcd_log_dir",
        "etcd_memory_limit",
        "etcd_peers",
        "etcd_metrics_port",
        "etcd_hosts",
        "etcd",
        "NODE_NAME",
        "verison",
        "ETCD_VERSION",
    ],
)
def test_what_is_no_near_miss_is_somebody_elses(name):
    _misspelt.check([name], [])


@pytest.mark.parametrize("exempt", ["etcd_verison", ["other", "etcd_verison"]])
def test_a_near_miss_that_is_meant_is_listed(exempt):
    _misspelt.check(["etcd_verison"], exempt)


@pytest.mark.parametrize("exempt", [7, {"etcd_verison": True}])
def test_the_list_is_a_list(exempt):
    with pytest.raises(BadInput, match="etcd_known_variables is .* Give a list of names"):
        _misspelt.check([], exempt)


def test_all_of_them_are_named():
    with pytest.raises(BadInput) as caught:
        _misspelt.check(["etcd_verison", "etcd_setings"], None)
    assert len(caught.value.texts) == 2


def test_no_variable_of_the_role_is_a_misspelling():
    assert {"etcd_version", "etcd_forget", "etcd_known_variables", "etcd_confirm_cluster"} < _misspelt.known()
    _misspelt.check(_misspelt.known(), [])


@pytest.mark.parametrize(
    "one, other, slips", [("", "", 0), ("ab", "ba", 1), ("abc", "ca", 3), ("abc", "abd", 1), ("a", "abc", 2)]
)
def test_slips_are_counted(one, other, slips):
    assert _misspelt.distance(one, other) == slips
