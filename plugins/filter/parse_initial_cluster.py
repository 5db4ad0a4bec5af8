# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: parse_initial_cluster
short_description: Names and peer URLs from etcd's initial-cluster
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Reads etcd's C(name=url,name=url) notation, in which a name with several URLs stands several times.
  - Spaces and line breaks around the commas, and a backslash before a line break, are tolerated.
options:
  _input:
    description: A text in the notation of C(--initial-cluster).
    type: str
    required: true
seealso:
  - plugin: quorum.etcd.initial_cluster
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the names
  ansible.builtin.debug:
    msg: "{{ 'etcd1=https://10.0.0.1:2380, etcd2=https://10.0.0.2:2380' | quorum.etcd.parse_initial_cluster }}"
    # {"etcd1": ["https://10.0.0.1:2380"], "etcd2": ["https://10.0.0.2:2380"]}
"""

RETURN = r"""
_value:
  description: A dictionary from each name to the list of its URLs, in the order of the text.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import initial_cluster
from ansible_collections.quorum.etcd.plugins.plugin_utils._inventory import a_filter


def _parse_initial_cluster(text: Any) -> dict[str, list[str]]:
    if not isinstance(text, str):
        raise BadInput(f"It reads a text such as 'etcd1=https://10.0.0.1:2380', not {text!r}.")
    return initial_cluster.read(text)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, list[str]]]]:
        return a_filter("parse_initial_cluster", _parse_initial_cluster)
