# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_certificate
short_description: Issue a certificate from a CA of an etcd cluster on the controller
version_added: "0.1.0"
description:
  - Issues a certificate and its private key as files on the controller, from a CA that M(quorum.etcd.etcd_ca) made.
  - It does so only for a reason, such as an expiry that is near, a name that is not in the certificate, another CA, or
    another type of key. Otherwise nothing changes.
  - A renewed certificate keeps its private key, unless the type or size asked for is another, or O(force) is set.
  - The role quorum.etcd.etcd issues the certificates of members and their administrator by itself. This is for the
    applications that use the cluster.
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
    support: partial
    details: With O(force=true) every run issues a new certificate.
options:
  path:
    description:
      - Where the certificate is written on the controller, with mode V(0644). Its directory must exist.
    type: path
    required: true
  privatekey_path:
    description:
      - Where its private key is written on the controller, unencrypted PKCS#8 with mode V(0600).
      - A file there that is not a private key, or that others can read, is refused.
    type: path
    required: true
  ca_path:
    description:
      - Where the CA certificates to trust are written on the controller, with mode V(0644).
    type: path
  profile:
    description:
      - What the certificate is for.
      - V(server) and V(peer) may be used on both ends of a connection, as etcd needs it, and have no common name.
        V(client) is for clients only.
      - V(server) and V(client) are signed by the client CA, V(peer) by the peer CA.
    type: str
    choices: [server, peer, client]
    required: true
  subject_alt_names:
    description:
      - IP addresses and DNS names that the certificate is valid for, in any order and spelling.
      - For V(server) and V(peer), V(localhost), V(127.0.0.1) and V(::1) are added.
    type: list
    elements: str
    default: []
  common_name:
    description:
      - The name of the etcd user that a client is, once authentication is on.
      - Required with O(profile=client), refused with any other, because etcd would take the member for a user of that
        name.
      - C(etcd grpc-proxy) refuses a certificate with a common name; give it one of O(profile=server).
    type: str
  organization:
    description:
      - The organization of the subject.
    type: str
  days:
    description:
      - How many days a new certificate is valid, though never longer than its CA.
    type: int
    default: 1095
  renew_before_days:
    description:
      - How many days before it expires the certificate is renewed. Must be less than O(days).
    type: int
    default: 30
  force:
    description:
      - Issue a new certificate with a new private key, even without a reason.
    type: bool
    default: false
seealso:
  - module: quorum.etcd.etcd_ca
  - module: quorum.etcd.etcd_certificate_info
"""

EXAMPLES = r"""
- name: Issue a client certificate for an application
  quorum.etcd.etcd_certificate:
    pki_dir: "{{ inventory_dir }}/pki/etcd_cluster"
    passphrase: "{{ etcd_pki_passphrase }}"
    profile: client
    common_name: billing
    path: billing.pem
    privatekey_path: billing-key.pem
    ca_path: ca.pem

- name: Issue a server certificate for a gRPC proxy
  quorum.etcd.etcd_certificate:
    pki_dir: "{{ inventory_dir }}/pki/etcd_cluster"
    passphrase: "{{ etcd_pki_passphrase }}"
    profile: server
    subject_alt_names: [proxy.example.org, 10.0.0.9]
    path: proxy.pem
    privatekey_path: proxy-key.pem
"""

RETURN = r"""
certificate:
  description: The certificate as it is now, or would be in check mode.
  returned: success
  type: dict
  contains:
    subject:
      description: The subject as an RFC 4514 string, empty if it has none.
      returned: success
      type: str
      sample: CN=billing
    issuer:
      description: The issuer as an RFC 4514 string.
      returned: success
      type: str
      sample: CN=etcd etcd_cluster client CA
    serial_number:
      description: The serial number in lower-case hexadecimal. Null in check mode, if it would be issued.
      returned: success
      type: str
      sample: 5c1f4f8b1fbd0ba6d0a8f7a9a4e1d5c9f2d3a6b7
    fingerprint_sha256:
      description:
        - The SHA-256 fingerprint in lower-case hexadecimal without colons. Null in check mode, if it would be issued.
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
      description: What it may be used for.
      returned: success
      type: list
      elements: str
      sample: [clientAuth]
    is_ca:
      description: Whether it is a CA.
      returned: success
      type: bool
      sample: false
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
reasons:
  description: Why the certificate was issued, or would be in check mode. Empty if it stays.
  returned: success
  type: list
  elements: str
  sample: ["it does not name 10.0.0.4"]
written:
  description: The files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [ca.pem, billing-key.pem, billing.pem]
"""
