# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import secrets

X = "s3cr3t"


@pytest.mark.parametrize(
    "name",
    [
        "ETCD_ROOT_PASSWORD",
        "ETCD_DISCOVERY_PASSWORD",
        "ETCD_DISCOVERY_TOKEN",
        "ETCD_DISCOVERY",
        "ETCD_KEY_PASSPHRASE",
        "ETCD_S3_SECRET_KEY",
        "ETCD_API_KEY",
        "ETCD_ROOT_PASS",
    ],
)
def test_a_variable_that_sounds_like_a_secret_is_hidden(name: str) -> None:
    assert secrets.environment({name: X, "ETCD_NAME": "m0"}) == {name: "(hidden)", "ETCD_NAME": "m0"}
    assert secrets.environment({name: ""}) == {name: ""}


@pytest.mark.parametrize(
    "name, value",
    [
        ("ETCD_AUTH_TOKEN", "simple"),
        ("ETCD_AUTH_TOKEN_TTL", "300"),
        ("ETCD_INITIAL_CLUSTER_TOKEN", "etcd-cluster-0"),
        ("ETCD_KEY_FILE", "/etc/etcd/ssl/etcd-key.pem"),
        ("ETCD_LISTEN_CLIENT_URLS", "https://10.0.0.1:2379,https://127.0.0.1:2379"),
    ],
)
def test_what_only_sounds_like_one_is_told(name: str, value: str) -> None:
    assert secrets.environment({name: value}) == {name: value}


def test_a_login_in_a_url_is_hidden() -> None:
    assert secrets.environment({"ETCD_DISCOVERY_PROXY": f"http://me:{X}@proxy:3128/x"}) == {
        "ETCD_DISCOVERY_PROXY": "http://(hidden)@proxy:3128/x"
    }


def test_secrets_of_a_command_line_are_hidden() -> None:
    flags = ["etcd", "--name", "m0", f"--discovery-password={X}", "--discovery-token", X, "-discovery", f"http://d/{X}"]
    hidden = ["etcd", "--name", "m0", "--discovery-password=(hidden)", "--discovery-token", "(hidden)", "-discovery"]
    assert secrets.arguments(flags) == [*hidden, "(hidden)"]
    assert secrets.arguments([f"A_SECRET={X}", f"http://me:{X}@h"]) == ["A_SECRET=(hidden)", "http://(hidden)@h"]


def test_flags_without_a_secret_are_told() -> None:
    line = ["--auth-token", "simple", "--password", "--name=m0"]
    assert secrets.arguments(line) == line
