# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a value of quota-backend-bytes means to etcd."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import quota

GIB = 1024**3


@pytest.mark.parametrize("value", [3 * GIB, str(3 * GIB)])
def test_a_number_is_itself(value):
    assert quota.quota_bytes(value) == 3 * GIB


@pytest.mark.parametrize("value", [None, "", 0, "0", "much"])
def test_nothing_is_the_default_of_etcd(value):
    assert quota.quota_bytes(value) == 2 * GIB


@pytest.mark.parametrize("value", [-1, "-1"])
def test_less_than_nothing_is_no_quota_at_all_so_more_than_any(value):
    assert quota.quota_bytes(value) > 1 << 60


def test_a_process_has_it_in_its_environment():
    assert quota.of_environment({"ETCD_QUOTA_BACKEND_BYTES": "20"}) == 20
    assert quota.of_environment({}) == 2 * GIB
