# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that installs a library, for each Python that may run Ansible."""

from __future__ import annotations

import os
import sys

from ansible_collections.quorum.etcd.plugins.module_utils._base.python_library import Python

WANTED = "cryptography>=42"


def test_it_names_the_python_that_runs_ansible():
    said = Python("/opt/ansible/bin/python3", is_managed=False, has_pip=True).installing(WANTED)
    assert said.endswith("/opt/ansible/bin/python3 -m pip install 'cryptography>=42'")


def test_an_environment_without_pip_was_made_by_uv():
    said = Python("/opt/ansible/bin/python3", is_managed=False, has_pip=False).installing(WANTED)
    assert said.endswith("uv pip install --python /opt/ansible/bin/python3 'cryptography>=42'")


def test_where_pip_may_install_nothing_another_environment_is_made():
    for has_pip in (True, False):
        said = Python("/usr/bin/python3", is_managed=True, has_pip=has_pip).installing(WANTED)
        assert "/usr/bin/python3" not in said
        assert "python3 -m venv ~/ansible && ~/ansible/bin/pip install ansible-core 'cryptography>=42'" in said


def test_a_virtual_environment_is_nobody_else_s(monkeypatch, tmp_path):
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(sys, "prefix", "/opt/ansible")
    assert not Python.running().is_managed
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert Python.running().is_managed
    os.unlink(tmp_path / "EXTERNALLY-MANAGED")
    assert not Python.running().is_managed
