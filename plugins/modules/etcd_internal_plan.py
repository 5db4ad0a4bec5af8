# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_plan
short_description: "Internal: turn what every host observed into steps, a refusal, or nothing to do"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A pure function of what the inventory wants and what was seen. Prints the plan of each cluster once, or says
    what was found, why it is dangerous and what is safe.
  - What was seen are the results that each host has registered as C(__etcd_seen), C(__etcd_looked) and C(__etcd_left).
  - It never fails itself, because a host that failed would be missing for those that plan a moment later. What it
    returns in RV(refusal) is for the next task to fail with.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  goal:
    description:
      - V(cluster) moves the cluster to what the inventory says. A difference that no step can mend is reported and ends
        the run.
      - V(restore) gives all members the data of a snapshot.
      - V(recovery) makes a new cluster of one member after a quorum was lost.
      - V(reclaim) gives back the space of databases.
      - V(downgrade) lets the members go back to the minor before.
      - V(maintenance) takes one host after the other out of service, has the operator's tasks done there, and brings it
        back. V(drain) does the first of it only, V(undrain) the last.
      - V(destroy) takes the whole cluster away.
      - V(v2-migration) does what V(cluster) does, and then moves the keys of API version 2 to version 3.
    type: str
    choices: [cluster, restore, recovery, reclaim, downgrade, destroy, v2-migration, maintenance, drain, undrain]
    default: cluster
  cluster:
    description: Name of the cluster, for messages.
    type: str
    required: true
  group:
    description: The group of the inventory that has its members. It is returned as it is.
    type: str
    default: ""
  wish:
    description: In which order the clusters of the run change. It is returned as it is.
    type: dict
    default: {}
  members:
    description: All hosts of the cluster in the inventory's order.
    type: list
    elements: str
    required: true
  batch:
    description: The hosts of this run that may act.
    type: list
    elements: str
    required: true
  fenced:
    description:
      - What C(etcd_fenced) says of hosts, and of members that are in no inventory any more, whose machines are off.
      - With O(goal=cluster) it is a warning then that such a host gives no answer, no difference.
    type: raw
    default: []
  verify:
    description:
      - Whether the plan follows on steps that were carried out, so that any further step is a failure, with
        O(goal=cluster).
    type: bool
    default: false
  again:
    description:
      - With O(verify), whether steps were carried out that come after others, as an upgrade does. Then any further step
        is a failure.
    type: bool
    default: false
  begun:
    description:
      - Whether the run has planned this cluster before, and its turn has come. Then the age of the plan in O(approved)
        does not matter any more.
    type: bool
    default: false
  roll_back:
    description: Plan to undo what an interrupted run has begun, with O(goal=restore) and O(goal=recovery).
    type: bool
    default: false
  quorum_lost:
    description:
      - Whether the quorum does not come back by itself although enough members have their data, with O(goal=recovery).
    type: bool
    default: false
  at_rest:
    description: Whether every member was stopped since the hosts were observed, with O(goal=recovery).
    type: bool
    default: false
  snapshot:
    description:
      - Path of the snapshot on the controller or on a host, with O(goal=restore). Empty for the newest one that a host
        has.
    type: str
    default: ""
  snapshot_of:
    description: Name or id of the other cluster that the snapshot is of, with O(goal=restore).
    type: str
    default: ""
  allow_missing_hash:
    description: Take a copied database, whose file has no checksum, with O(goal=restore).
    type: bool
    default: false
  keep_revisions:
    description: How many of the newest revisions stay, with O(goal=reclaim).
    type: int
    default: 0
  allow_outage:
    description: Whether a cluster that cannot spare a member may be without it, with O(goal=reclaim).
    type: bool
    default: false
  approved:
    description: File with the plan that the run is held to, with O(goal=cluster). Empty for none.
    type: str
    default: ""
  plan_file:
    description: File in which the plan is kept, with O(goal=cluster) in check mode. Empty for none.
    type: str
    default: ""
  plan_max_age:
    description: How old the plan in O(approved) may be, such as V(24h). V(0) for any age.
    type: str
    default: 24h
  downgrade_to:
    description: The minor or release to which the members go back, with O(goal=downgrade). Needed without O(cancel).
    type: str
    default: ""
  cancel:
    description: Cancel a pending downgrade instead, with O(goal=downgrade).
    type: bool
    default: false
  maintenance:
    description:
      - With O(goal=maintenance), O(goal=drain) and O(goal=undrain), the C(owner) of the maintenance and its C(timeout)
        in seconds, and the files with the C(tasks) for each host and with those that C(check) it.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Plan
  quorum.etcd.etcd_internal_plan:
    cluster: "{{ etcd_cluster_name }}"
    members: "{{ groups[etcd_group] }}"
    batch: "{{ ansible_play_batch }}"
  register: __etcd_plan
"""

RETURN = r"""
cluster:
  description: O(cluster).
  returned: success
  type: str
group:
  description: O(group).
  returned: success
  type: str
wish:
  description: O(wish).
  returned: success
  type: dict
refusal:
  description:
    - Why nothing may be done, or what is not as it should be and cannot be mended. Empty where steps can be taken.
  returned: success
  type: str
ansible_facts:
  description: What a rescue can read.
  returned: success
  type: dict
  contains:
    etcd_refusals:
      description:
        - Each problem, with its C(code) (an anchor of C(docs/refusals.md)), what was C(found), C(why)
          that is dangerous and what is C(safe). Empty without a refusal.
      type: list
      elements: dict
      returned: success
steps:
  description: For each wave this host's step or V(null).
  returned: without a refusal
  type: list
  elements: dict
waves:
  description: The number of waves. The steps of one wave run side by side.
  returned: without a refusal
  type: int
reversible:
  description:
    - How many of the first waves are rolled back where a step of them fails, with O(goal=restore).
    - After how many the plan is made once more, with O(goal=recovery).
  returned: without a refusal
  type: int
walked:
  description: How many of them this run goes through. In check mode all or none, since most presume those before them.
  returned: without a refusal
  type: int
alive:
  description: Hosts of this run that answered.
  returned: without a refusal
  type: list
  elements: str
"off":
  description: Hosts of the group whose machines are off. Empty with O(goal=cluster).
  returned: without a refusal
  type: list
  elements: str
text:
  description: The plan for a person.
  returned: without a refusal
  type: str
table:
  description: The members of the cluster for a person. Empty while there are steps to take.
  returned: without a refusal
  type: str
differences:
  description: What is not as the inventory says and no step mends. It fails the run once there are no more steps.
  returned: without a refusal
  type: list
  elements: str
can_be_rehearsed:
  description: Whether check mode can go through the steps.
  returned: without a refusal, with O(goal=cluster) and O(goal=downgrade)
  type: bool
due:
  description: The number of steps.
  returned: without a refusal, with O(goal=cluster) and O(goal=downgrade)
  type: int
runs:
  description: The releases that the members run, with commas between them; empty where none runs.
  returned: without a refusal, with O(goal=cluster) and O(goal=downgrade)
  type: str
speaker:
  description: A host whose member serves, which asks the cluster for all others. Empty without one.
  returned: without a refusal, with O(goal=cluster) and O(goal=downgrade)
  type: str
speaker_endpoints:
  description: The client URLs at which it asks.
  returned: without a refusal, with O(goal=cluster) and O(goal=downgrade)
  type: list
  elements: str
founds:
  description: Whether the new cluster is still to be made.
  returned: without a refusal, with O(goal=recovery)
  type: bool
rolls_back:
  description: Whether the recovery is rolled back.
  returned: without a refusal, with O(goal=recovery)
  type: bool
restoration:
  description: What exactly is restored.
  returned: without a refusal, with O(goal=restore) and not O(roll_back)
  type: dict
ending:
  description: Whether only what an earlier restore has left behind is removed.
  returned: without a refusal, with O(goal=restore) and not O(roll_back)
  type: bool
may_roll_back:
  description: Whether no host has its new data yet.
  returned: without a refusal, with O(goal=restore) and not O(roll_back)
  type: bool
undo:
  description: The step by which this host has everything as it was before.
  returned: without a refusal, with O(goal=restore)
  type: dict
endpoints:
  description: Client URLs of the members.
  returned: without a refusal, with O(goal=reclaim)
  type: list
  elements: str
"""
