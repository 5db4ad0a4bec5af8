# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, env_text
from hypothesis import given, settings
from hypothesis import strategies as st

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40),
    # What shells and systemd read more into, in all orders.
    st.text("\"'\\`$(){}#;%! aHOME", max_size=40),
)
VALUES = st.lists(TEXTS, min_size=1, max_size=5).map(lambda texts: {f"flag-{i}": text for i, text in enumerate(texts)})


def read_as_systemd(text: str) -> dict[str, str]:
    """EnvironmentFile= as systemd.exec(5) describes it: comments, and values in double quotes with four escapes."""
    found = {}
    for line in text.splitlines():
        if not line or line[0] in "#;":
            continue
        name, _equals, quoted = line.partition("=")
        assert quoted[0] == quoted[-1] == '"'
        plain = re.sub(r'\\(["\\`$])', r"\1", quoted[1:-1])
        assert not re.search(r'(?<!\\)(\\\\)*"', quoted[1:-1]), "the value ends before its line does"
        found[name] = plain
    return found


def read_as_shell(path: Path, names: list[str]) -> dict[str, str]:
    script = '. "$0"; for name; do eval "printf \'%s\\0\' \\"\\$$name\\""; done'
    ran = subprocess.run(["sh", "-c", script, path, *names], capture_output=True, check=True)
    return dict(zip(names, ran.stdout.decode().split("\0")))


@given(VALUES)
def test_systemd_reads_back_what_was_written(values):
    assert read_as_systemd("\n".join(env_file.assignments(values))) == env_file.environment(values)


@settings(max_examples=40, deadline=None)
@given(values=VALUES)
def test_a_shell_reads_back_what_was_written(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("env") / "etcd.conf"
    path.write_text(env_text.render(values), encoding="utf-8")
    wanted = env_file.environment(values)
    assert read_as_shell(path, list(wanted)) == wanted


def test_the_file_has_the_sections_of_etcds_examples():
    text = env_text.render(
        {
            "snapshot-count": 5000,
            "auto-compaction-mode": "periodic",
            "log-level": "info",
            "client-cert-auth": True,
            "initial-cluster-state": "existing",
            "name": "etcd1",
        }
    )
    assert text == (
        "# Managed by quorum.etcd: changes made by hand are put right at the next run.\n"
        "\n"
        "#[Member]\n"
        'ETCD_NAME="etcd1"\n'
        "\n"
        "#[Clustering]\n"
        'ETCD_INITIAL_CLUSTER_STATE="existing"\n'
        "\n"
        "#[Security]\n"
        'ETCD_CLIENT_CERT_AUTH="true"\n'
        "\n"
        "#[Logging]\n"
        'ETCD_LOG_LEVEL="info"\n'
        "\n"
        "#[Settings]\n"
        'ETCD_AUTO_COMPACTION_MODE="periodic"\n'
        'ETCD_SNAPSHOT_COUNT="5000"\n'
    )


def test_the_file_does_not_depend_on_the_order_of_the_settings():
    values = {"max-wals": 5, "name": "a", "data-dir": "/d", "cors": ["*"]}
    assert env_text.render(values) == env_text.render(dict(reversed(values.items())))


def test_a_dollar_sign_is_no_variable_to_a_shell(tmp_path):
    path = tmp_path / "etcd.conf"
    path.write_text(env_text.render({"auth-token": "$HOME `id` $(id) X"}), encoding="utf-8")
    assert read_as_shell(path, ["ETCD_AUTH_TOKEN"]) == {"ETCD_AUTH_TOKEN": "$HOME `id` $(id) X"}


@pytest.mark.parametrize("text", ["plain", "$HOME `id` X", 'a "quoted" \\ $name', "\\\\", "", "a=b # c"])
def test_what_was_written_is_read_again(text):
    settings = {"auth-token": text, "name": "a", "cors": ["x", "y"]}
    assert env_file.read(env_text.render(settings)) == env_file.environment(settings)
