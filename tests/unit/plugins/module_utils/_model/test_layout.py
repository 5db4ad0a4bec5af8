# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import instances
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import (
    ARCHIVE,
    CONTAINER,
    PACKAGE,
    RECORDS,
    Layout,
    identity,
)
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
    assert getattr(LAYOUT, place) != getattr(replace(LAYOUT, instance="etcd-events"), place)


def test_each_has_its_own_names_of_the_tools():
    assert [replace(LAYOUT, instance=one).link("etcdctl") for one in ("etcd", "etcd2", "etcd-events")] == [
        "/usr/local/bin/etcdctl",
        "/usr/local/bin/etcdctl2",
        "/usr/local/bin/etcdctl-events",
    ]


@pytest.mark.parametrize("name", ["etcd", "etcd1", "etcd12", "etcd-events", "etcd-a-2"])
def test_what_an_instance_may_be_called(name):
    instances.check(name)


@pytest.mark.parametrize(
    "name", ["", "ssh", "etcdctl", "etcdutl", "etcd-snapshot", "etcd-", "etcd/../x", "etcd@1", "Etcd", "etcd1\n"]
)
def test_what_it_may_not_be_called(name):
    """Its unit or its links would be those of something else."""
    with pytest.raises(BadInput, match="etcd_instance is "):
        instances.check(name)


@pytest.mark.parametrize(
    "name, port", [("etcd", 2379), ("etcd1", 12379), ("etcd3", 32379), ("etcd-events", 2379), ("etcd-events2", 22379)]
)
def test_its_ports_follow_from_the_number_at_the_end_of_its_name(name, port):
    assert instances.port_of(name, 2379) == port


def test_it_survives_the_way_through_json_and_module_options():
    assert Layout.from_dict(LAYOUT.to_dict()) == LAYOUT
    assert layout_of({**LAYOUT.to_dict(), "version": "3.6.14"}) == LAYOUT


def test_a_modules_defaults_are_one_whole_layout():
    assert layout_of({name: option["default"] for name, option in OPTIONS.items()}) == LAYOUT


def test_every_way_to_install_has_a_record_of_its_own():
    assert set(RECORDS) == {ARCHIVE, PACKAGE, CONTAINER}
    assert len(set(RECORDS.values())) == len(RECORDS)


def test_an_identity_has_a_line_for_each_source():
    found = identity(("etcd-server", "3.4.23-4"), ("etcd-client", "3.4.23-4"))
    assert found == "etcd-server 3.4.23-4\netcd-client 3.4.23-4"


def test_the_plan_expects_of_an_image_what_its_installation_writes_down():
    image = "2f" * 32
    assert Container("podman", "", {"3.6.14": image}).record("3.6.14") == identity(("podman", image))
