# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command that a refusal names says to Ansible what was meant."""

from __future__ import annotations

import shlex

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.utils import vars as ansible_vars
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice


@pytest.mark.parametrize(
    "owner",
    ["root@admin", "Eve Smith", r"DOMAIN\user@admin", r"DOMAIN\bob@admin", "o'neil@admin", 'a="b"', "{x", "12", ""],
)
def test_the_owner_of_a_maintenance_arrives_as_it_is(monkeypatch, owner):
    *_command, option, given = shlex.split(advice.undrain(owner))
    assert option == "-e"
    monkeypatch.setattr(ansible_vars.context, "CLIARGS", {"extra_vars": [given]})
    # Ansible keeps what it has read once.
    reader = getattr(ansible_vars.load_extra_vars, "__wrapped__", ansible_vars.load_extra_vars)
    monkeypatch.delattr(reader, "extra_vars", raising=False)
    assert reader(DataLoader()) == {"etcd_maintenance_owner": owner}


def test_an_ordinary_one_is_plain_to_read():
    assert advice.undrain("root@admin").endswith(" -e etcd_maintenance_owner=root@admin")
