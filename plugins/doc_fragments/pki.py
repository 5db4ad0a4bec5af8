# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in plugins/plugin_utils/_pki_action.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  pki_dir:
    description:
      - The directory on the controller that holds the CAs of one cluster, as C(client-ca.pem), C(client-ca-key.pem),
        C(peer-ca.pem) and C(peer-ca-key.pem).
      - It must be closed to everybody but its owner (mode V(0700)), and so must the keys in it (mode V(0600)).
      - A key may be encrypted with C(ansible-vault) instead of, or besides, a passphrase.
      - A relative path starts at the directory in which Ansible was called.
    type: path
    required: true
  passphrase:
    description:
      - The passphrase of the CA keys. A CA that is made gets its keys encrypted with it.
      - Where a key is not encrypted it is not needed; this is said in a warning.
      - Without it, a CA that is made gets its keys unencrypted.
    type: str
"""

    KEY = r"""
options:
  key_type:
    description:
      - The type of a new private key.
    type: str
    choices: [ec, rsa]
    default: ec
  key_size:
    description:
      - The size of a new private key in bits, for V(ec) of its curve (V(256), V(384) or V(521)), for V(rsa) of its
        modulus (V(2048), V(3072) or V(4096)).
      - If not given, V(256) for O(key_type=ec) and V(3072) for O(key_type=rsa).
    type: int
    choices: [256, 384, 521, 2048, 3072, 4096]
"""

    CONTROLLER = r"""
options: {}
requirements:
  - cryptography 42 or newer, for the Python that runs Ansible on the controller
"""
