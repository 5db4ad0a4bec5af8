# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples, copied beside the CAs of this cluster, say what the cluster is already."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from scenario_cluster import Cluster

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
MEMBER = re.compile(r"^([\d.]+) .*NODE_NAME=(\S+)", re.MULTILINE)


def copied(directory, place, inventory):
    """An example with the addresses of the lab in place of its own, and how the lab is reached."""
    shutil.copytree(directory, place)
    shutil.copytree(inventory.parent / "etcd-pki", place / "etcd-pki")
    written = {name: address for address, name in MEMBER.findall((place / "hosts").read_text())}
    real = {name: address for address, name in MEMBER.findall(inventory.read_text())}
    for path in (place / "hosts", *place.glob("global_vars/*.yml")):
        text = path.read_text()
        for name, address in written.items():
            text = text.replace(address, real[name])
        path.write_text(text)
    reached = yaml.safe_load((inventory.parent / "group_vars" / "etcd_cluster.yml").read_text())
    del reached["ETCD_NODES"]
    (place / "lab.yml").write_text(yaml.safe_dump(reached))
    return place


@pytest.mark.parametrize("name", [".", "guide"])
def test_an_example_is_the_cluster_that_runs(inventory, tmp_path, name):
    place = copied(EXAMPLES / name, tmp_path / "site", inventory)
    variables = [f"-e@{path}" for path in (*place.glob("global_vars/*.yml"), place / "lab.yml")]
    cluster = Cluster(os.environ["MOLECULE_SCENARIO_NAME"], place / "hosts")
    assert cluster.play(*variables, playbook=place / "etcd.yml").found_nothing_to_do
