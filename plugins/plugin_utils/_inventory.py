# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What the filters have in common: the inventory's variables in, plain values out, mistakes as template errors."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import Member, member_of, members
from jinja2 import pass_context
from jinja2.runtime import Context

Result = TypeVar("Result")


def a_filter(name: str, function: Callable[..., Result]) -> dict[str, Callable[..., Result]]:
    """What C(FilterModule.filters) returns for one filter, whose mistakes in the input are reported under its name."""

    @wraps(function)
    def reporting(*args: Any, **kwargs: Any) -> Result:
        try:
            return function(*args, **kwargs)
        except BadInput as error:
            raise AnsibleFilterError(f"quorum.etcd.{name}: {error}") from error

    return {name: reporting}


def a_filter_of_hosts(name: str, function: Callable[..., Result]) -> dict[str, Callable[..., Result]]:
    """The same for a filter whose first argument is C(hostvars), which the template knows where it is not given."""

    @pass_context
    @wraps(function)
    def knowing(context: Context, value: Any, hostvars: Any = None, *args: Any, **kwargs: Any) -> Result:
        return function(value, context.get("hostvars") if hostvars is None else hostvars, *args, **kwargs)

    return a_filter(name, knowing)


def members_from(hosts: Any, hostvars: Any, defaults: Mapping[str, Any]) -> tuple[Member, ...]:
    """The members of a group.

    :param defaults: variables of hosts that do not have them, for those of plays and roles are not in C(hostvars).
    """
    if isinstance(hosts, str) or not isinstance(hosts, Sequence):
        raise BadInput(f"Give it the list of a group's hosts, as in groups['etcd_cluster'], not '{hosts}'.")
    _check(hostvars)
    variables = {str(host): _variables(hostvars[host], defaults) for host in hosts if host in hostvars}
    return members([str(host) for host in hosts], variables, {host: _observed(variables[host]) for host in variables})


def member_from(host: Any, hostvars: Any, defaults: Mapping[str, Any]) -> Member:
    """The member of one host."""
    _check(hostvars)
    if not isinstance(host, str) or host not in hostvars:
        raise BadInput(f"'{host}' is no host of the inventory. Give it the name of one, as in inventory_hostname.")
    variables = _variables(hostvars[host], defaults)
    return member_of(str(host), variables, _observed(variables))


def variable_of_first(hosts: Any, hostvars: Any, defaults: Mapping[str, Any], name: str) -> str:
    """What a variable of the whole group says, as its first host has it; empty where it is not set."""
    return str(_variables(hostvars[hosts[0]], defaults).get(name) or "") if hosts else ""


def _check(hostvars: Any) -> None:
    if not isinstance(hostvars, Mapping):
        raise BadInput("It needs hostvars, the variables of all hosts, as its argument where the play has none.")


def _variables(own: Any, defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    # Not a copy: that would template every variable of the host.
    return ChainMap(own, dict(defaults))


def _observed(variables: Mapping[str, Any]) -> str:
    """The host's default address, where facts were gathered."""
    facts = variables.get("ansible_facts") or {}
    for family in ("default_ipv4", "default_ipv6"):
        address = (facts.get(family) or {}).get("address")
        if address:
            return str(address)
    return ""
