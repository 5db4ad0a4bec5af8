# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How a library is installed for the Python that runs Ansible, which may take nothing from pip."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from dataclasses import dataclass


@dataclass(frozen=True)
class Python:
    """An interpreter.

    :param executable: its path.
    :param is_managed: the system's package manager alone installs into it (PEP 668).
    :param has_pip: C(-m pip) works.
    """

    executable: str
    is_managed: bool
    has_pip: bool

    @classmethod
    def running(cls) -> Python:
        """This one."""
        marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
        is_virtual = sys.prefix != sys.base_prefix
        has_pip = importlib.util.find_spec("pip") is not None
        return cls(sys.executable, not is_virtual and os.path.exists(marker), has_pip)

    def installing(self, requirement: str) -> str:
        """Return a sentence with the command that installs a library.

        :param requirement: with its bound, such as C(cryptography>=42).
        """
        if self.is_managed:
            return (
                "The system's package manager owns the Python that runs Ansible, and pip installs nothing there. Run "
                "Ansible from an environment of its own: python3 -m venv ~/ansible && ~/ansible/bin/pip install "
                f"ansible-core '{requirement}', then ~/ansible/bin/ansible-playbook"
            )
        pip = f"{self.executable} -m pip install" if self.has_pip else f"uv pip install --python {self.executable}"
        return f"Install it for the Python that runs Ansible: {pip} '{requirement}'"
