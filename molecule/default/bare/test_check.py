# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(--check) on hosts that have never seen etcd: the whole plan is told, and nothing is touched."""

from __future__ import annotations

import re
import subprocess

import pytest
import testinfra

# All that lasts, but for what systemd notes for itself, Ansible's own directory and what Python compiles.
LISTING = (
    "find /etc /home /opt /root /run/systemd/system /srv /usr /var/lib -xdev "
    r"\( -path /var/lib/systemd -o -path /root/.ansible -o -name __pycache__ \) -prune "
    r"-o -printf '%p %y %m %u %g %s %l %T@\n' | sort"
)


@pytest.fixture(scope="module")
def look(inventory):
    """Looks at all that lies on the hosts, and at what lies beside the inventory."""
    hosts = testinfra.get_hosts(["ansible://etcd_cluster"], ansible_inventory=str(inventory))

    def listings():
        return {
            "controller": sorted(inventory.parent.rglob("*")),
            **{host.backend.host: host.check_output(LISTING).splitlines() for host in hosts},
        }

    return listings


@pytest.fixture(scope="module")
def before(look):
    return look()


@pytest.fixture(scope="module")
def said(before, inventory):
    """What C(--check) says."""
    done = subprocess.run(
        ["ansible-playbook", "quorum.etcd.etcd", "--inventory", inventory, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_plan_says_what_was_found_and_what_it_comes_to(said):
    assert "etcd_cluster: 3 hosts, no cluster yet: found one with etcd 3.6.14, TLS" in said


def test_the_plan_names_every_step_in_its_order(said):
    steps = re.findall(r"step (\d+) of (\d+): (.+?)(?: \([0-9.]+\))?$", said, re.MULTILINE)
    members = ["etcd-host0", "etcd-host1", "etcd-host2"]
    titles = [title for _number, _count, title in steps]
    assert [title for title in titles if " CA in " not in title] == [
        title.format(member)
        for title in (
            "install etcd 3.6.14 on {}",
            "write the files of {}",
            "reach every member from {}",
            "start {}",
            "await {}",
        )
        for member in members
    ]
    assert titles[len(members)].startswith("make the client and peer CA in ")
    assert [(int(number), int(count)) for number, count, _title in steps] == [(n, 16) for n in range(1, 17)]


def test_no_file_was_made_or_changed_anywhere(said, before, look):
    assert look() == before
