# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT as OPTIONS
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import layout_of
from inventory_of import LAYOUT

PLACES = ("unit_file", "conf_file", "state_dir", "run_dir", "marker_file", "bootstrap_file", "gate_file", "probe_unit")


def test_files_lie_where_the_guides_say():
    assert LAYOUT.unit == "etcd.service"
    assert LAYOUT.conf_file == "/etc/etcd/etcd.conf"
    assert LAYOUT.certificate("ca") == "/etc/etcd/ssl/ca.pem"
    assert LAYOUT.certificate("etcd-key") == "/etc/etcd/ssl/etcd-key.pem"
    assert LAYOUT.link("etcdctl") == "/usr/local/bin/etcdctl"
    assert LAYOUT.release_dir("3.6.14", "amd64") == "/opt/etcd/etcd-v3.6.14-linux-amd64"


def test_the_log_is_inside_the_data_directory_unless_told_otherwise():
    assert LAYOUT.log_dir == "/var/lib/etcd/member/wal"
    assert replace(LAYOUT, wal_dir="/wal/etcd").log_dir == "/wal/etcd"


def test_the_marker_outlives_both_the_data_and_a_reboot():
    for path in (LAYOUT.marker_file, LAYOUT.bootstrap_file):
        assert path.startswith("/var/lib/quorum.etcd/")
        assert not path.startswith(LAYOUT.data_dir)
    assert LAYOUT.run_dir.startswith("/run/")


@pytest.mark.parametrize("place", PLACES)
def test_two_instances_on_a_host_share_nothing(place):
    assert getattr(LAYOUT, place) != getattr(replace(LAYOUT, instance="events"), place)


def test_it_survives_the_way_through_json_and_module_options():
    assert Layout.from_dict(LAYOUT.to_dict()) == LAYOUT
    assert layout_of({**LAYOUT.to_dict(), "version": "3.6.14"}) == LAYOUT


def test_a_modules_defaults_are_one_whole_layout():
    assert layout_of({name: option["default"] for name, option in OPTIONS.items()}) == LAYOUT
