# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a playbook is for, and whose cluster each of them belongs to."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]

PLAY = f"""
- import_playbook: {REPOSITORY}/playbooks/_groups.yml
  vars:
    __etcd_one_only: "{{{{ one_only | default(false) }}}}"
    __etcd_confirmed: "{{{{ [confirmed | default('')] }}}}"
- hosts: "{{{{ hostvars['localhost'].__etcd_hosts }}}}"
  gather_facts: false
  roles: [shown]
"""

TASKS = """
- debug:
    msg: "{{ inventory_hostname }} of {{ etcd_cluster_name }} with {{ __etcd_members | join(' ') }}."
"""

ALPHA = "[alpha]\n192.0.2.1\n[alpha:vars]\netcd_group=alpha\n"
BETA = "[beta]\n192.0.2.2\n192.0.2.3\n[beta:vars]\netcd_group=beta\n"
BOTH = "[both]\n192.0.2.1\n192.0.2.2\n[both:vars]\netcd_group=both\n"
PLAIN = "[etcd_cluster]\n192.0.2.4\n"
WEB = "[web]\n192.0.2.9\n"

OF_ALPHA = ["192.0.2.1 of alpha with 192.0.2.1."]
OF_BETA = [f"192.0.2.{host} of beta with 192.0.2.2 192.0.2.3." for host in (2, 3)]
OF_PLAIN = ["192.0.2.4 of etcd_cluster with 192.0.2.4."]


def play(place, inventory, *arguments, tasks=TASKS):
    (place / "hosts").write_text(inventory)
    (place / "play.yml").write_text(PLAY)
    role = place / "roles" / "shown"
    (role / "tasks").mkdir(parents=True)
    (role / "tasks" / "main.yml").write_text(tasks)
    for kind in ("defaults", "vars"):
        (role / kind).symlink_to(REPOSITORY / "roles" / "etcd" / kind)
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts", "play.yml", *arguments]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "inventory, arguments, found",
    [
        (PLAIN + WEB, (), OF_PLAIN),
        (WEB + ALPHA + BETA, (), [*OF_ALPHA, *OF_BETA]),
        (ALPHA + BETA, ("--limit", "beta"), OF_BETA),
        (ALPHA + PLAIN, (), [*OF_ALPHA, *OF_PLAIN]),
        (ALPHA + BETA, ("-e", "etcd_group=beta"), OF_BETA),
        (ALPHA + BETA + PLAIN, ("-e", "etcd_group=alpha,beta"), [*OF_ALPHA, *OF_BETA]),
        (ALPHA + BETA, ("-e", '{"etcd_group": ["beta", "alpha"]}'), [*OF_ALPHA, *OF_BETA]),
        (ALPHA + BETA, ("-e", "etcd_group=alpha", "-e", "one_only=true"), OF_ALPHA),
        (ALPHA + BETA, ("-e", "confirmed=beta", "-e", "one_only=true"), OF_BETA),
        (ALPHA + BOTH, ("-e", "etcd_group=alpha"), OF_ALPHA),
        (ALPHA + BETA + "etcd_cluster_name=alpha\n", ("-e", "etcd_group=alpha"), OF_ALPHA),
    ],
)
def test_every_host_belongs_to_the_cluster_whose_group_has_it(tmp_path, inventory, arguments, found):
    done = play(tmp_path, inventory, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split('"')[3] for line in done.stdout.splitlines() if '"msg": ' in line]
    assert sorted(said) == sorted(found)


@pytest.mark.parametrize(
    "inventory, arguments, said",
    [
        (WEB, (), "The group etcd_cluster has no host in this inventory"),
        (ALPHA, ("-e", "etcd_group=alpha,nope"), "The group nope has no host in this inventory"),
        (ALPHA + BETA, ("-e", "one_only=true"), "Say which: -e etcd_group=alpha"),
        (ALPHA + BETA, ("-e", "one_only=true", "-e", "confirmed=gamma"), "Say which: -e etcd_group=alpha"),
        (ALPHA + BETA, ("-e", "one_only=true", "-e", "confirmed=alpha,beta"), "Say which: -e etcd_group=alpha"),
        (ALPHA + BOTH, ("-e", "etcd_group=alpha,both"), "Of the groups alpha, both more than one has 192.0.2.1, and"),
        (ALPHA + BETA, ("-e", "etcd_cluster_name=one"), "would be clusters of these names: one, one."),
        (ALPHA + BETA + "etcd_cluster_name=alpha\n", (), "would be clusters of these names: alpha, alpha."),
    ],
)
def test_no_host_is_reached_where_it_is_not_said_whose_it_is(tmp_path, inventory, arguments, said):
    done = play(tmp_path, inventory, *arguments)
    assert done.returncode != 0
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "of alpha with" not in done.stdout


LINE = ("-e", "etcd_members=a:192.0.2.7,b:192.0.2.8")
OF_THE_LINE = ["a of etcd_cluster with a b.", "b of etcd_cluster with a b."]


@pytest.mark.parametrize(
    "inventory, arguments, found",
    [
        ("", LINE, OF_THE_LINE),
        (WEB, LINE, OF_THE_LINE),
        (WEB, (*LINE, "-e", "one_only=true"), OF_THE_LINE),
        (WEB + ALPHA + BETA, LINE, OF_THE_LINE),
        (WEB, (*LINE, "-e", "etcd_group=prod"), ["a of prod with a b.", "b of prod with a b."]),
        (PLAIN, (*LINE, "-e", "etcd_group=prod"), ["a of prod with a b.", "b of prod with a b."]),
        ("[etcd_cluster]\nb\n", LINE, ["a of etcd_cluster with b a.", "b of etcd_cluster with b a."]),
    ],
)
def test_one_line_stands_for_an_inventory(tmp_path, inventory, arguments, found):
    done = play(tmp_path, inventory, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split('"')[3] for line in done.stdout.splitlines() if '"msg": ' in line]
    assert sorted(said) == sorted(found)
    assert "changed=0" in done.stdout and not re.search(r"changed=[1-9]", done.stdout)


def test_the_working_directory_stands_for_that_of_the_inventory(tmp_path):
    done = play(tmp_path, "", *LINE, tasks='- debug: {msg: "{{ etcd_pki_dir }} {{ etcd_snapshot_fetch_dir }}."}')
    assert f"{tmp_path}/etcd-pki/etcd_cluster {tmp_path}/etcd-snapshots/etcd_cluster." in done.stdout, done.stdout


@pytest.mark.parametrize(
    "inventory, arguments, said",
    [
        ("", ("-e", "etcd_members="), "etcd_members names no member"),
        ("", ("-e", "etcd_members=a:192.0.2.7,b:192.0.2.7"), "the address 192.0.2.7 twice"),
        (PLAIN, LINE, "the group etcd_cluster of the inventory has 192.0.2.4, too"),
        (WEB, (*LINE, "-e", "etcd_group=x,y"), "etcd_group names 2"),
    ],
)
def test_one_line_that_is_wrong_reaches_no_host(tmp_path, inventory, arguments, said):
    done = play(tmp_path, inventory, *arguments)
    assert done.returncode != 0
    assert said in " ".join((done.stdout + done.stderr).split())
    # Nor one of the inventory: a refusal ends the run for all.
    assert not re.search(r" of \w+ with ", done.stdout)


@pytest.mark.parametrize(
    "path",
    # The playground has no inventory, and proxies have no cluster that could be taken away.
    [path for path in (REPOSITORY / "playbooks").glob("[!_]*.yml") if path.stem not in ("local", "proxy")],
    ids=lambda path: path.stem,
)
def test_what_a_playbook_takes_away_it_takes_from_one_cluster(path):
    text = path.read_text()
    assert "ansible.builtin.import_playbook: _groups.yml\n" in text
    assert ("__etcd_one_only: true" in text) == (path.stem in ("destroy", "migrate_v2", "recover", "restore"))


@pytest.mark.parametrize(
    "playbook, word",
    [
        ("destroy", "etcd_confirm_cluster"),
        ("migrate_v2", "etcd_confirm_cluster"),
        ("recover", "etcd_confirm_cluster"),
        ("recover", "etcd_rollback"),
        ("restore", "etcd_confirm_cluster"),
        ("restore", "etcd_rollback"),
    ],
)
def test_a_confirmation_says_which_cluster_is_meant(playbook, word):
    """Refusals name it, and no group: their commands must be accepted where an inventory has several clusters."""
    finding = yaml.safe_load((REPOSITORY / "playbooks" / f"{playbook}.yml").read_text())[0]
    assert f"{word} | default('')" in finding["vars"]["__etcd_confirmed"]
