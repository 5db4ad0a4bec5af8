#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_peer_report
short_description: Report which members this member can open a new peer connection to
version_added: "0.1.0"
description:
  - Starts a transient unit on this host that dials the peer URLs of all other members as its own member would, and
    reports the result to an act on another member, through keys of etcd. It ends by itself half a minute after the
    end of such an act, and ten minutes after its start if none asks.
  - A connection counts once an HTTP answer of the same cluster was read over it. Certificate and key are those on the
    disk, the CA bundle is the one that the running member has read.
  - Members keep the connections that they have. A firewall rule, a key that does not match its certificate or a port
    that is closed shows only when a member must be connected to anew, and one that restarts is.
  - The role runs it on all other hosts before it restarts, removes or promotes a member. Run it before
    M(quorum.etcd.etcd_service) and M(quorum.etcd.etcd_member) in plays of your own.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
attributes:
  check_mode:
    support: full
    details:
      - Dials and returns what it finds; starts no unit.
  diff_mode:
    support: none
options:
  nonce:
    description:
      - Whatever the act is given as its O(nonce), the same on all hosts and another one for each run. Letters, digits
        and hyphens, at least eight of them.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Restart all members, one after the other
  hosts: etcd_cluster
  tasks:
    - name: Draw one nonce for all hosts of this run
      ansible.builtin.set_fact:
        nonce: "{{ (groups['etcd_cluster'] | join ~ now()) | hash('sha256') }}"
      run_once: true

    - name: Let every member report its new connections
      quorum.etcd.etcd_peer_report:
        nonce: "{{ nonce }}"

    - name: Restart the member once the others can spare it
      quorum.etcd.etcd_service:
        state: restarted
        nonce: "{{ nonce }}"
"""

RETURN = r"""
member_id:
  description: The id of the member of this host in lower-case hex; empty where none answers.
  returned: success
  type: str
  sample: 8e9e05c52164694d
reached:
  description: The id of each other member, and why no new connection could be opened to it; empty if one could.
  returned: success
  type: dict
  sample: {"91bc3c398fb3c146": ""}
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._host import peer_reporter
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run

_NONCE = re.compile(r"[A-Za-z0-9-]{8,}")


def act(module: AnsibleModule) -> dict[str, Any]:
    nonce, layout = module.params["nonce"], layout_of(module.params)
    systemd = Systemd(command.of_module(module))
    if not _NONCE.fullmatch(nonce):
        raise BadInput(f"nonce is {nonce!r}; give at least eight letters, digits or hyphens.")
    if not module.check_mode:
        peer_reporter.launch(systemd, layout, nonce)
    member_id, reached = peer_reporter.observe_peers(systemd, layout)
    return {"changed": not module.check_mode, "member_id": member_id, "reached": reached}


def main() -> None:
    run({**LAYOUT, "nonce": {"type": "str", "required": True, "no_log": False}}, act, reads=True)


if __name__ == "__main__":
    main()
