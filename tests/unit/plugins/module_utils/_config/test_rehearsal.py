# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rehearsal has the settings of the member, and none that would lead it to the member's places, ports or peers."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import rehearsal, render
from inventory_of import bare

HERE = ("10.0.0.1", "etcd-host0", "/var/lib/etcd", "/etc/etcd", "2379", "2380", "2381")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("version", ["3.5.33", "3.6.14", "3.7.1"])
def test_nothing_of_the_member_is_named(tls, version):
    found = rehearsal.settings(render.flags(bare(tls=tls).wanted, version))
    assert not [(name, value) for name, value in found.items() if any(text in str(value) for text in HERE)]


def test_what_a_release_may_refuse_is_tried():
    settings = {"max-request-bytes": 2000000, "auto-compaction-mode": "revision", "auto-compaction-retention": "1000"}
    found = rehearsal.settings(render.flags(bare(etcd_settings=settings).wanted, "3.7.1"))
    assert settings.items() <= found.items()
    assert found["feature-gates"] == {"InitialCorruptCheck": True}


def test_the_quota_is_its_own():
    assert "quota-backend-bytes" not in rehearsal.settings(render.flags(bare().wanted, "3.7.1"))
