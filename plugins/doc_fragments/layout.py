# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  instance:
    description:
      - Name of the etcd instance on the host. Its systemd unit is C(INSTANCE.service).
    type: str
    default: etcd
  user:
    description:
      - System user that etcd runs as.
    type: str
    default: etcd
  group:
    description:
      - System group that etcd runs as.
    type: str
    default: etcd
  conf_dir:
    description:
      - Directory of the settings file and of C(ssl), the certificates.
    type: path
    default: /etc/etcd
  data_dir:
    description:
      - etcd's data directory.
    type: path
    default: /var/lib/etcd
  wal_dir:
    description:
      - Directory of the write-ahead log where it is not inside O(data_dir). Empty for inside.
    type: str
    default: ""
  log_file:
    description:
      - File that etcd logs to. Empty for the journal.
    type: str
    default: ""
  install_dir:
    description:
      - Directory that holds one directory for each unpacked release.
    type: path
    default: /opt/etcd
  bin_dir:
    description:
      - Directory of the links and of the etcdctl wrapper that people use.
    type: path
    default: /usr/local/bin
  user_file:
    description:
      - File on the host with one line C(NAME:PASSWORD) of a user that has the role root, readable by root alone. The
        cluster is asked as that user. For clusters whose authentication is on and that do not use TLS; with TLS the
        administrator's certificate is used. Empty for none.
    type: str
    default: ""
  config_format:
    description:
      - Form of the settings file, variables for etcd's process or the YAML file of its C(--config-file).
    type: str
    choices: [env, yaml]
    default: env
  install_method:
    description:
      - Where etcd's programs come from, upstream's archive, the distribution's package or a container image. Each has
        directories of its own below O(install_dir).
    type: str
    choices: [archive, package, container]
    default: archive
"""
