# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import yaml
from ansible_collections.quorum.etcd.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec

DOCUMENTED = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
KEYS = ("type", "elements", "default", "choices", "required")


def test_the_options_are_those_of_the_argument_spec() -> None:
    spec = connection_spec()
    assert list(DOCUMENTED) == list(spec)
    for name, option in DOCUMENTED.items():
        assert {key: option.get(key) for key in KEYS} == {key: spec[name].get(key) for key in KEYS}, name


def test_every_variable_of_etcdctl_that_stands_in_is_documented() -> None:
    variables = {
        "endpoints": {"ETCDCTL_ENDPOINTS"},
        "ca_path": {"ETCDCTL_CACERT"},
        "client_cert": {"ETCDCTL_CERT"},
        "client_key": {"ETCDCTL_KEY"},
        "username": {"ETCDCTL_USER"},
        "password": {"ETCDCTL_PASSWORD", "ETCDCTL_USER"},
        "user_file": set(),
        "timeout": set(),
    }
    assert {
        name: set(re.findall(r"E\((\w+)\)", " ".join(option["description"]))) for name, option in DOCUMENTED.items()
    } == variables
