# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What ansible-core's versions do differently. Nothing else in the collection asks which one it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:  # Before 2.19 every text was a template.
    from ansible.utils.unsafe_proxy import wrap_var

    def trust_as_template(value: str) -> str:
        return value

    def as_data(value: Any) -> Any:
        """Return plain data from elsewhere, in which no text is a template."""
        return wrap_var(value)
else:

    def as_data(value: Any) -> Any:
        """Return plain data from elsewhere, in which no text is a template: since 2.19 none is that nobody trusts."""
        return value


if TYPE_CHECKING:
    from ansible.parsing.dataloader import DataLoader


def render(loader: DataLoader, template: str, variables: dict[str, Any]) -> Any:
    """Render a template of the collection's own with other variables than the task's.

    Before 2.19 lookups of a copied templar still use the variables of the original.
    """
    return Templar(loader, variables=variables).template(trust_as_template(template))


def decrypted(loader: DataLoader, path: str) -> bytes:
    """Return what a file holds, decrypted where it is encrypted with ansible-vault.

    :raises AnsibleError: it cannot be read or decrypted.
    """
    if hasattr(loader, "get_text_file_contents"):
        text: str = loader.get_text_file_contents(path)
        return text.encode()
    content: bytes = loader._get_file_contents(path)[0]  # Before 2.19 there is no other way that leaves no plain copy.
    return content


def registered(hostvars: Any, host: str) -> set[str]:
    """Return the names of a host's registered variables and facts, which only Ansible's own store tells from others."""
    manager = getattr(hostvars, "_variable_manager", None)
    return set(manager._nonpersistent_fact_cache.get(host, ())) if manager is not None else set()


def result_named(hostvars: Any, host: str, name: str) -> dict[str, Any]:
    """Return what a host has registered under a name; empty if nothing.

    Results hold no templates. Read through ``hostvars`` each is passed through the templating engine, value by value,
    on each host for all of them.
    """
    manager = getattr(hostvars, "_variable_manager", None)
    variables = hostvars[host] if manager is None else manager._nonpersistent_fact_cache.get(host, {})
    found: dict[str, Any] = variables.get(name) or {}
    return found


def task_of(result: Any) -> Any:
    """Return the task of what a callback was given. Before 2.19 its name has an underscore, which goes with 2.23."""
    return result.task if hasattr(result, "task") else result._task


def result_of(result: Any) -> dict[str, Any]:
    """Return what that task has returned, likewise."""
    told: dict[str, Any] = result.result if hasattr(result, "result") else result._result
    return told
