# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that are thrown away, and those that are kept."""

from __future__ import annotations

import os

import pytest
from ansible_collections.quorum.etcd.plugins.plugin_utils import _keeping

JOBS = {
    "AWX_PRIVATE_DATA_DIR": "/opt/awx/job_7",
    "SEMAPHORE_TMP_PATH": "/opt/semaphore",
    "GITHUB_WORKSPACE": "/home/runner/work/infra/infra",
    "CI_PROJECT_DIR": "/builds/ops/infra",
    "DRONE_WORKSPACE": "/drone/src",
}


def doubt(directory, **environment):
    return _keeping.doubt(directory, "etcd_cluster", environment)


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/operator")


@pytest.mark.parametrize("directory", ["/srv/etcd-pki/a", "/home/operator/ops/etcd-pki/a", "~/pki", "/tmpfiles/pki"])
def test_a_directory_that_stays_is_not_doubted(directory):
    assert doubt(directory) is None
    assert doubt(directory, **JOBS, TMPDIR="/scratch", WORKSPACE="/srv") is None


@pytest.mark.parametrize("directory", ["/tmp/ops/etcd-pki/a", "/var/tmp/pki", "/dev/shm/pki", "/run/pki", "/tmp"])
def test_a_temporary_directory_is_doubted(directory):
    found = doubt(directory)
    assert found.reason.endswith("is for temporary files")
    assert found.remedy.endswith("-e etcd_pki_dir=/home/operator/etcd-pki/etcd_cluster")


def test_so_is_the_one_that_the_environment_names():
    assert doubt("/scratch/pki", TMPDIR="/scratch/").reason == "/scratch/ is for temporary files ($TMPDIR)"


@pytest.mark.parametrize("name, directory", JOBS.items())
def test_so_is_that_of_a_job_whose_remedy_is_one_that_outlives_it(name, directory):
    found = doubt(f"{directory}/etcd-pki/a", **JOBS)
    assert found.reason.startswith(f"{directory} is the directory of one job of ")
    assert found.reason.endswith(f"(${name})")
    assert "volume" in found.remedy and "vaulted variables (docs/automation.md)" in found.remedy


def test_so_is_that_of_an_execution_environment():
    assert "execution environment" in doubt("/runner/inventory/etcd-pki/a").reason


def test_a_workspace_is_a_job_s_in_jenkins_only():
    assert doubt("/srv/ops/pki", WORKSPACE="/srv/ops") is None
    assert "Jenkins" in doubt("/srv/ops/pki", WORKSPACE="/srv/ops", JENKINS_URL="https://ci").reason


def test_so_is_one_in_an_installed_collection():
    found = doubt("/home/operator/.ansible/collections/ansible_collections/quorum/etcd/playbooks/etcd-pki/a")
    assert "installed collection" in found.reason
    assert found.remedy.endswith("-e etcd_pki_dir=/home/operator/etcd-pki/etcd_cluster")


def test_so_is_a_relative_one_whose_remedy_is_the_same_in_full(monkeypatch):
    monkeypatch.chdir("/usr/share")
    found = doubt("etcd-pki/a")
    assert found.reason.startswith("etcd-pki/a is a relative path")
    assert found.remedy.endswith("-e etcd_pki_dir=/usr/share/etcd-pki/a")


def test_one_of_an_inventory_without_a_directory_is_not_completed(monkeypatch):
    """Ansible's inventory_dir is the text None there."""
    monkeypatch.chdir("/usr/share")
    found = doubt("None/etcd-pki/a")
    assert "-i HOST, has no directory" in found.reason
    assert found.remedy.endswith("-e etcd_pki_dir=/home/operator/etcd-pki/etcd_cluster")


def test_what_counts_is_where_a_link_leads(tmp_path):
    os.symlink("/tmp", tmp_path / "seems-kept")
    os.symlink("/srv", tmp_path / "seems-lost")
    assert doubt(f"{tmp_path}/seems-kept/pki").reason == "/tmp is for temporary files"
    assert doubt(f"{tmp_path}/seems-lost/pki") is None


@pytest.mark.parametrize("value", ["", "/", "relative", "~nobody-at-all"])
def test_a_variable_that_names_no_directory_says_nothing(value):
    assert doubt("/srv/pki", TMPDIR=value, AWX_ISOLATED_DATA_DIR=value) is None


@pytest.mark.parametrize("home", ["/home/operator", "/tmp/semaphore", "/runner"])
def test_the_remedy_is_no_refusal_the_next_time(home, monkeypatch):
    monkeypatch.setenv("HOME", home)
    remedy = doubt("/tmp/pki").remedy.rpartition("=")[2]
    assert doubt(remedy) is None
    assert doubt(_keeping.kept_directory("etcd_cluster", {})) is None
