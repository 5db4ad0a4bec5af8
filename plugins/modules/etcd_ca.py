# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_ca
short_description: Make or load the CAs of an etcd cluster on the controller
version_added: "0.1.0"
description:
  - Makes the two CAs of a cluster where they are missing, and returns their certificates.
  - One CA signs the certificates of servers and clients, the other those of peers, so that no client certificate opens
    a peer port.
  - A CA that is there is never replaced and its key never overwritten, whatever the options say. A making that was
    interrupted is completed. Tasks of several hosts at the same time make one CA.
  - A certificate without its key is refused, because a new CA in its place would cut off every host that has
    certificates of the lost one. So is a key that others can read, and a CA that has expired.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.pki
  - quorum.etcd.pki.key
  - quorum.etcd.pki.controller
  - quorum.etcd.attributes.controller
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
    support: full
options:
  name:
    description:
      - The name of the cluster. The CAs are named C(etcd NAME client CA) and C(etcd NAME peer CA); the whole may have
        64 characters.
      - It matters only while a CA is made, as do O(key_type), O(key_size) and O(days).
    type: str
    required: true
  days:
    description:
      - How many days a new CA is valid. A warning is printed during the last 180 of them.
    type: int
    default: 3650
seealso:
  - module: quorum.etcd.etcd_certificate
"""

EXAMPLES = r"""
- name: Make the CAs of a cluster, with keys that need a passphrase
  quorum.etcd.etcd_ca:
    pki_dir: "{{ inventory_dir }}/pki/etcd_cluster"
    name: etcd_cluster
    passphrase: "{{ etcd_pki_passphrase }}"
  register: ca

- name: Show how long they are valid
  ansible.builtin.debug:
    msg: "{{ ca.authorities.client.not_after }}, {{ ca.authorities.peer.not_after }}"
"""

RETURN = r"""
authorities:
  description: The CAs, never their keys.
  returned: success
  type: dict
  contains:
    client:
      description: The CA of servers and clients.
      returned: success
      type: dict
      contains: &authority
        created:
          description: Whether this task made it.
          returned: success
          type: bool
        path:
          description: Path of its certificate on the controller.
          returned: success
          type: str
          sample: pki/etcd_cluster/client-ca.pem
        privatekey_path:
          description: Path of its key on the controller.
          returned: success
          type: str
          sample: pki/etcd_cluster/client-ca-key.pem
        pem:
          description:
            - Content of RV(authorities.client.path), several certificates while a CA is being replaced.
            - Null in check mode, if it would be made.
          returned: success
          type: str
        subject:
          description: The subject as an RFC 4514 string.
          returned: success
          type: str
          sample: CN=etcd etcd_cluster client CA
        issuer:
          description: The issuer as an RFC 4514 string.
          returned: success
          type: str
          sample: CN=etcd etcd_cluster client CA
        serial_number:
          description: The serial number in lower-case hexadecimal. Null in check mode, if it would be made.
          returned: success
          type: str
          sample: 5c1f4f8b1fbd0ba6d0a8f7a9a4e1d5c9f2d3a6b7
        fingerprint_sha256:
          description:
            - The SHA-256 fingerprint in lower-case hexadecimal without colons. Null in check mode, if it would be made.
          returned: success
          type: str
          sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        not_before:
          description: Start of its validity, RFC 3339 in UTC.
          returned: success
          type: str
          sample: "2026-01-01T00:00:00Z"
        not_after:
          description: End of its validity, RFC 3339 in UTC.
          returned: success
          type: str
          sample: "2036-01-01T00:00:00Z"
        days_left:
          description: Whole days until it expires, negative once it has.
          returned: success
          type: int
          sample: 3649
        dns_names:
          description: DNS names it is valid for; a CA has none.
          returned: success
          type: list
          elements: str
        ip_addresses:
          description: IP addresses it is valid for; a CA has none.
          returned: success
          type: list
          elements: str
        extended_key_usages:
          description: What it may be used for; a CA made here is not restricted.
          returned: success
          type: list
          elements: str
        is_ca:
          description: Whether it is a CA.
          returned: success
          type: bool
          sample: true
        key_type:
          description: The type of its key.
          returned: success
          type: str
          sample: ec
        key_size:
          description: The size of its key in bits.
          returned: success
          type: int
          sample: 256
    peer:
      description: The CA of peers.
      returned: success
      type: dict
      contains: *authority
"""
