# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_certificate_info
short_description: Describe certificates
version_added: "0.1.0"
description:
  - Describes every certificate of a file on the controller, or of a text such as P(ansible.builtin.file#lookup) or
    M(ansible.builtin.slurp) return. Private keys in the same file are passed over.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.pki.controller
  - quorum.etcd.attributes.controller
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
attributes:
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
    support: full
options:
  path:
    description:
      - A file on the controller with one or more certificates in PEM form.
      - Exactly one of O(path) and O(content) is required.
    type: path
  content:
    description:
      - One or more certificates in PEM form.
    type: str
seealso:
  - module: quorum.etcd.etcd_certificate
"""

EXAMPLES = r"""
- name: Read the certificate that a member has
  ansible.builtin.slurp:
    src: /etc/etcd/ssl/etcd.pem
  register: slurped

- name: Describe it
  quorum.etcd.etcd_certificate_info:
    content: "{{ slurped.content | b64decode }}"
  register: server

- name: Let nobody be surprised by its end
  ansible.builtin.assert:
    that: server.certificates[0].days_left > 30
"""

RETURN = r"""
certificates:
  description: The certificates in the order of the file.
  returned: success
  type: list
  elements: dict
  contains:
    subject:
      description: The subject as an RFC 4514 string, empty if it has none.
      returned: success
      type: str
      sample: CN=root
    issuer:
      description: The issuer as an RFC 4514 string.
      returned: success
      type: str
      sample: CN=etcd etcd_cluster client CA
    serial_number:
      description: The serial number in lower-case hexadecimal.
      returned: success
      type: str
      sample: 5c1f4f8b1fbd0ba6d0a8f7a9a4e1d5c9f2d3a6b7
    fingerprint_sha256:
      description: The SHA-256 fingerprint in lower-case hexadecimal without colons.
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
      sample: "2029-01-01T00:00:00Z"
    days_left:
      description: Whole days until it expires, negative once it has.
      returned: success
      type: int
      sample: 1094
    dns_names:
      description: DNS names it is valid for, in lower case.
      returned: success
      type: list
      elements: str
      sample: [localhost]
    ip_addresses:
      description: IP addresses it is valid for, in canonical form.
      returned: success
      type: list
      elements: str
      sample: [10.0.0.1, 127.0.0.1, "::1"]
    extended_key_usages:
      description: What it may be used for, C(serverAuth), C(clientAuth), or any other usage as a dotted number.
      returned: success
      type: list
      elements: str
      sample: [serverAuth, clientAuth]
    is_ca:
      description: Whether it is a CA.
      returned: success
      type: bool
      sample: false
    key_type:
      description: The type of its key, V(ec), V(rsa), or the name that the cryptography library has for another one.
      returned: success
      type: str
      sample: ec
    key_size:
      description: The size of its key in bits, 0 if it is neither V(ec) nor V(rsa).
      returned: success
      type: int
      sample: 256
"""
