# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The frame of every module: its options, one act, and the one place where an error becomes a result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._module import signals


def run(
    argument_spec: Mapping[str, Any],
    act: Callable[[AnsibleModule], dict[str, Any]],
    *,
    reads: bool | Collection[str] = False,
    **rules: Any,
) -> None:
    """Run a module, and end the process with its result.

    :param act: returns the result; each of ``notes`` in it becomes a warning. Any ``EtcdError`` is reported.
    :param reads: it changes nothing, or not in these of its states. What changes something goes on when the connection
        that started it is gone.
    :param rules: what else ``AnsibleModule`` takes, such as ``required_if``.
    """
    module = AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True, **rules)
    if reads is False or (reads is not True and module.params["state"] not in reads):
        signals.ignore_disconnect()
    try:
        result = act(module)
    except EtcdError as exc:
        # Ansible adds the traceback of the pending exception itself; before 2.19 it fails on one that it is given.
        module.fail_json(**exc.failure)
    for note in result.pop("notes", []):
        module.warn(note)
    module.exit_json(**result)
