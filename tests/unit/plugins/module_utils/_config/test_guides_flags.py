# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members that guides start by hand: each of their flags is a setting, or is refused with the variable that it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from inventory_of import bare

GUIDES = yaml.safe_load((Path(__file__).parents[4] / "guides" / "commands.yml").read_text())
LINES = [command["typed"] for guide in GUIDES for command in guide["commands"] if "settings" in command]
FLAGS = sorted({flag for line in LINES for flag in re.findall(r"--([a-z-]+)", line)})
#: Of these a value is needed to be a setting.
VALUES = {"heartbeat-interval": "100", "auto-compaction-retention": "1", "logger": "zap", "log-level": "warn"}

#: For each flag that is no setting of its own, what its refusal names.
NAMED = {
    "advertise-client-urls": "etcd_advertise_client_urls",
    "auto-tls": "etcd_auto_tls",
    "cert-file": "etcd_tls",
    "client-cert-auth": "etcd_tls",
    "data-dir": "etcd_data_dir",
    "discovery": "etcd_bootstrap",
    "force-new-cluster": "gives up every other member",
    "initial-advertise-peer-urls": "etcd_address",
    "initial-cluster": "the hosts of the group decide it",
    "initial-cluster-state": "one first start",
    "initial-cluster-token": "every new cluster gets its own",
    "key-file": "etcd_tls",
    "listen-client-urls": "etcd_listen_client_urls",
    "listen-peer-urls": "etcd_listen_peer_urls",
    "name": "NODE_NAME",
    "peer-auto-tls": "etcd_peer_auto_tls",
    "peer-cert-file": "etcd_tls",
    "peer-client-cert-auth": "etcd_tls",
    "peer-key-file": "etcd_tls",
    "peer-trusted-ca-file": "etcd_tls",
    "trusted-ca-file": "etcd_tls",
    "wal-dir": "etcd_wal_dir",
}


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_is_a_setting_or_names_the_variable_that_it_is(flag: str) -> None:
    value = VALUES.get(flag, 10000)
    if flag not in NAMED:
        assert flag in render.flags(bare(etcd_settings={flag: value}).wanted, "3.5.33")
        return
    for spelt in (flag, f"ETCD_{flag.upper().replace('-', '_')}", f"--{flag}"):
        with pytest.raises(BadInput, match=re.escape(NAMED[flag])):
            render.flags(bare(etcd_settings={spelt: value}).wanted, "3.5.33")
