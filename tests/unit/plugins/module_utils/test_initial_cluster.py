# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils import _initial_cluster
from ansible_collections.quorum.etcd.plugins.module_utils._errors import BadInput
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
PEERS = st.builds("https://{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65535))


@given(st.dictionaries(NAMES, st.lists(PEERS, min_size=1, max_size=3, unique=True), min_size=1, max_size=9))
def test_an_initial_cluster_that_is_written_is_read_back(nodes):
    text = _initial_cluster.write(nodes)
    assert _initial_cluster.read(text) == nodes
    assert _initial_cluster.read(text.replace(",", " ,\\\n ")) == nodes


def test_several_urls_of_one_name_are_several_entries():
    text = "a=https://10.0.0.1:2380,b=https://10.0.0.2:2380,a=https://10.1.0.1:2380"
    found = _initial_cluster.read(text)
    assert found == {"a": ["https://10.0.0.1:2380", "https://10.1.0.1:2380"], "b": ["https://10.0.0.2:2380"]}


def test_a_mistake_is_told_with_its_place():
    with pytest.raises(BadInput, match=r"ETCD_NODES: b: 'https://10.0.0.2' has no port"):
        _initial_cluster.of_etcd_nodes("a=https://10.0.0.1:2380, b=https://10.0.0.2")


def test_no_etcd_nodes_are_none():
    assert _initial_cluster.of_etcd_nodes(None) is None


def test_an_entry_that_is_there_twice_is_refused():
    with pytest.raises(BadInput, match=r"has 'a=https://10\.0\.0\.1:2380' twice"):
        _initial_cluster.read("a=https://10.0.0.1:2380,a=https://10.0.0.1:2380")
