# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import auto_tls
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import leave
from ansible_collections.quorum.etcd.plugins.module_utils._steps.leave import Leaving

LEAVING = Leaving("prod", "m0", "8e9e", ["https://192.0.2.1:2379"], [])


def test_a_host_without_certificates_is_led_to_where_its_member_can_be_removed(service_manager, layout):
    with pytest.raises(Refused, match=r"has no .*admin\.pem.*-e etcd_forget=8e9e"):
        leave.leave(service_manager.systemd, layout, LEAVING, check=False)
    assert (host_files.read_marker(layout), service_manager.done) == (None, [])


def test_where_no_member_asks_for_a_certificate_none_is_missed(service_manager, layout):
    host_files.make_directory(layout.ssl_dir, 0o755, 0, 0)
    with open(layout.certificate("ca"), "w") as stream:
        stream.write(auto_tls.NO_AUTHORITIES)
    nowhere = Leaving("prod", "m0", "8e9e", ["https://127.0.0.1:1"], [])
    with pytest.raises(EtcdError, match="nothing listens on port 1"):
        leave.leave(service_manager.systemd, layout, nowhere, check=False)


def test_check_mode_only_says_that_something_is_to_be_done(service_manager, layout):
    assert leave.leave(service_manager.systemd, layout, LEAVING, check=True)
    assert host_files.read_marker(layout) is None


def test_who_has_left_is_not_asked_again(service_manager, layout, tmp_path):
    host_files.make_directory(layout.state_dir, 0o700, 0, 0)
    with open(layout.marker_file, "w") as stream:
        stream.write(markers.render(Marker(markers.REMOVED, cluster="prod", name="m0", member_id="8e9e")))
    gone = Leaving("prod", "m0", "", ["https://192.0.2.1:2379"], [])
    assert not leave.leave(service_manager.systemd, layout, gone, check=False)
    assert service_manager.done == []


def test_where_nothing_of_a_member_is_nobody_has_to_be_asked(service_manager, layout):
    """Nor could be: its certificates are gone with the rest."""
    host_files.make_directory(layout.state_dir, 0o700, 0, 0)
    with open(layout.marker_file, "w") as stream:
        stream.write(markers.render(Marker(markers.STARTED, cluster="prod", name="m0", member_id="8e9e")))
    gone = Leaving("prod", "m0", "", ["https://192.0.2.1:2379"], [])
    assert leave.leave(service_manager.systemd, layout, gone, check=False)
    assert host_files.read_marker(layout).state == markers.REMOVED
