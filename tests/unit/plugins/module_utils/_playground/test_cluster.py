# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may have a playground."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._playground import cluster


@pytest.mark.parametrize(
    "sudo_user, remedy",
    [
        ("op", "Run it as op, without sudo: ansible-playbook quorum.etcd.local"),
        ("", "Run it as a user who can log in: runuser -l USER -c 'ansible-playbook quorum.etcd.local'"),
        ("root", "Run it as a user who can log in: runuser -l USER -c 'ansible-playbook quorum.etcd.local'"),
    ],
)
def test_root_is_told_how_to_be_a_user(sudo_user, remedy):
    with pytest.raises(Refused) as caught:
        cluster.check_user(0, sudo_user)
    assert caught.value.remedy == remedy


def test_a_user_may_have_one():
    cluster.check_user(1000, "")
