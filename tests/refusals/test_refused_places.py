# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Places where the CAs of a new cluster would be lost, and the ways out that the refusals name."""

from __future__ import annotations

import json
import re

import pytest
from operator_site import Site


@pytest.fixture
def site(site: Site) -> Site:
    """Its directory is below /tmp, and nobody says that it is kept."""
    del site.variables["etcd_confirm"]
    return site


def test_authorities_are_not_made_below_tmp_unless_that_is_confirmed(site: Site) -> None:
    said = f"The client and peer CA would be made in {site.pki} (etcd_pki_dir), and /tmp is for temporary files."
    site.is_refused(said)
    outcome = site.is_refused(said, arguments=("--check",))
    (word,) = set(re.findall(r"-e (etcd_confirm=[^ \"\\]+)", outcome.said))
    made = f"make the client and peer CA in {site.pki}"
    site.is_refused(made, arguments=("--check", "-e", word), playbook_ends=0)
    (directory,) = set(re.findall(r"-e (etcd_pki_dir=[^; ]+)", outcome.said))
    site.is_refused("make the client and peer CA in ", arguments=("--check", "-e", directory), playbook_ends=0)


@pytest.mark.matrix
def test_an_inventory_on_the_command_line_needs_to_be_told_where_they_are(site: Site) -> None:
    hosts = "".join(f"{address}," for address in site.addresses)
    given = ["--check", "-e", json.dumps({**site.variables, "ansible_ssh_user": "root"})]
    outcome = site.play(hosts, *given)
    assert outcome.code == 2 and "-e etcd_group=" in outcome.said, outcome.said
    given += ["-e", "etcd_group=all"]
    outcome = site.play(hosts, *given)
    assert outcome.code == 2 and "this inventory has no directory" in outcome.said, outcome.said
    given += ["-e", re.findall(r'etcd_pki_dir=[^ "\\]+', outcome.said)[0]]
    outcome = site.play(hosts, *given)
    assert outcome.code == 0, outcome.said
    assert "make the client and peer CA in " in outcome.said
