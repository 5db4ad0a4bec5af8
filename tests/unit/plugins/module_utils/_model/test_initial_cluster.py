# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import initial_cluster
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
PEERS = st.builds("https://{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65535))


@given(st.dictionaries(NAMES, st.lists(PEERS, min_size=1, max_size=3, unique=True), min_size=1, max_size=9))
def test_an_initial_cluster_that_is_written_is_read_back(nodes):
    text = initial_cluster.write(nodes)
    assert initial_cluster.read(text) == nodes
    assert initial_cluster.read(text.replace(",", " ,\\\n ")) == nodes


def test_several_urls_of_one_name_are_several_entries():
    text = "a=https://10.0.0.1:2380,b=https://10.0.0.2:2380,a=https://10.1.0.1:2380"
    found = initial_cluster.read(text)
    assert found == {"a": ["https://10.0.0.1:2380", "https://10.1.0.1:2380"], "b": ["https://10.0.0.2:2380"]}


def test_a_mistake_is_told_with_its_place():
    with pytest.raises(BadInput, match=r"ETCD_NODES: b: 'https://10.0.0.2' has no port"):
        initial_cluster.of_etcd_nodes("a=https://10.0.0.1:2380, b=https://10.0.0.2")


A, B = "https://10.0.0.1:2380", "https://10.1.0.1:2380"


@pytest.mark.parametrize("value", [f"X={A},X={B},", [f"X={A}", f"X={B}"], {"X": [A, B]}, {"X": f"{A}, {B}"}])
def test_etcd_nodes_may_be_a_text_a_list_or_a_dictionary(value):
    assert initial_cluster.of_etcd_nodes(value) == {"X": [A, B]}


@pytest.mark.parametrize(
    "value, said",
    [
        ({"b": "https://10.0.0.2"}, "ETCD_NODES: b: 'https://10.0.0.2' has no port"),
        ({"b": 7}, "ETCD_NODES: b must be a list"),
        (7, "ETCD_NODES must be a list"),
        (f"a={A},,b={B}", "ETCD_NODES has an empty item"),
        (f"a=b={A}", f"ETCD_NODES: a: 'b={A}' is not a URL"),
        (A, f"ETCD_NODES: '{A}' is not of the form NAME=URL"),
        (f"a={A},a={B},a={A}", f"ETCD_NODES has 'a={A}' twice."),
        ("", "ETCD_NODES is empty."),
        ([], "ETCD_NODES is empty."),
        ({}, "ETCD_NODES is empty."),
    ],
)
def test_what_is_wrong_with_etcd_nodes_is_quoted(value, said):
    with pytest.raises(BadInput) as caught:
        initial_cluster.of_etcd_nodes(value)
    assert str(caught.value).startswith(said)


def test_a_text_from_elsewhere_is_called_by_etcds_own_name():
    with pytest.raises(BadInput, match=r"^initial-cluster: 'a' is not of the form"):
        initial_cluster.read("a")


def test_no_etcd_nodes_are_none():
    assert initial_cluster.of_etcd_nodes(None) is None


def test_an_entry_that_is_there_twice_is_refused():
    with pytest.raises(BadInput, match=r"has 'a=https://10\.0\.0\.1:2380' twice"):
        initial_cluster.read("a=https://10.0.0.1:2380,a=https://10.0.0.1:2380")
