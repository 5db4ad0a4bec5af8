# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The sources of a unit's C(ETCD_*) variables, and which of them keeps a setting from its wanted value.

A source is a place and what it sets. They come in systemd's own order, in which the last one wins (systemd.exec(5)).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import secrets
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file
from ansible_collections.quorum.etcd.plugins.module_utils._config.env_file import SETTINGS_VARIABLE, UNSET, differing

Source = tuple[str, Mapping[str, str]]

# What a unit of ours runs. Another program, such as a script, may set what it likes.
_KNOWN = ("etcd", "env", "podman", "docker")
_FORCE = "ETCD_FORCE_NEW_CLUSTER"


#: What C(Systemd.show) tells of them as systemd prints it, which may hold what is nobody else's concern.
PRINTED = ("environment", "environment_files", "unset_environment", "exec_start")


def of_unit(
    unit: Mapping[str, Any],
    has: Mapping[str, str],
    read: Callable[[str], Mapping[str, str]],
    manager: Callable[[], str],
) -> list[Source]:
    """The sources from which systemd would start this unit now.

    :param unit: as C(Systemd.show) gives it.
    :param has: the C(ETCD_*) of the process that runs.
    :param read: the files that an C(EnvironmentFile) names, with their texts.
    :param manager: what C(systemctl show-environment) prints. It is asked only if the other sources do not explain
        what the process has.
    """
    path = _settings_file(unit)
    if path:
        # Of its environment etcd reads nothing then.
        return [(path, secrets.environment(env_file.read(read(path).get(path, ""))))]
    found = _of_environment(unit, has, read)
    if any(differing(has, _together(found))):
        found.insert(0, ("systemctl set-environment", of_file(manager())))
    return found


def _settings_file(unit: Mapping[str, Any]) -> str:
    """The YAML file that a unit names to its gate; empty where etcd reads its environment."""
    prefix = f"{SETTINGS_VARIABLE}="
    return next((word[len(prefix) :] for word in _words(unit["environment"]) if word.startswith(prefix)), "")


def _of_environment(
    unit: Mapping[str, Any], has: Mapping[str, str], read: Callable[[str], Mapping[str, str]]
) -> list[Source]:
    name = unit["name"]
    lies = ", ".join(unit["drop_in_paths"] or [unit["fragment_path"]])
    found: list[Source] = [(f"Environment= of {name} ({lies})", assigned(_words(unit["environment"])))]
    for pattern in unit["environment_files"]:
        found += [(path, of_file(text)) for path, text in read(pattern).items()]
    unset = {word.partition("=")[0]: UNSET for word in _words(unit["unset_environment"]) if word.startswith("ETCD_")}
    found.append((f"UnsetEnvironment= of {name} ({lies})", unset))
    program = [word.replace("--config-file=", "ETCD_CONFIG_FILE=") for word in _words(unit["exec_start"])]
    program = program[3:] if program[1:3] == ["-c", "exec"] else program
    known = not program or program[0].rpartition("/")[2] in _KNOWN
    found.append((f"ExecStart= of {name} ({lies})", assigned(program) if known else dict(has)))
    return found


def forcing(unit: Mapping[str, Any], read: Callable[[str], Mapping[str, str]]) -> str:
    """The source by which each start of a unit would drop all other members from the cluster; empty without one.

    :param unit: as C(Systemd.show) gives it.
    :param read: see C(of_unit).
    """
    found = ""
    path = _settings_file(unit)
    # A variable counts too: etcd would read it once the member has its other form.
    for place, sets in [*_of_environment(unit, {}, read), *(of_unit(unit, {}, read, lambda: "") if path else ())]:
        if _FORCE in sets:
            found = place if is_forced(sets) else ""
    if is_forced({}, _words(unit["exec_start"])):
        return f"ExecStart= of {unit['name']} ({', '.join(unit['drop_in_paths'] or [unit['fragment_path']])})"
    return found


def is_ours(place: str, conf_file: str, unit_file: str) -> bool:
    """Is a source nothing, or one of the files that each update of a member writes?"""
    return place in ("", conf_file) or place.endswith(f"({unit_file})")


def is_forced(environment: Mapping[str, str], command: Iterable[str] = ()) -> bool:
    """Does etcd drop all other members at its start, by its variables or its command line?"""
    flags = dict(word.lstrip("-").partition("=")[::2] for word in command if word.startswith("-"))
    given = [environment.get(_FORCE, ""), flags["force-new-cluster"] or "true" if "force-new-cluster" in flags else ""]
    # Go's own words for false (strconv.ParseBool).
    return any(value not in ("", UNSET, "0", "f", "F", "false", "FALSE", "False") for value in given)


def of_file(text: str) -> dict[str, str]:
    """The C(ETCD_*) of an environment file of anybody's."""
    found = {}
    for line in text.replace("\\\n", "").splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and name.startswith("ETCD_"):
            found[name] = "".join(_words(value)) if value[:1] in ("'", '"', "$") else value
    return secrets.environment(found)


def assigned(words: Iterable[str]) -> dict[str, str]:
    """The C(ETCD_*) among words such as C(ETCD_NAME=m0)."""
    pairs = (word.partition("=") for word in words if word.startswith("ETCD_"))
    return secrets.environment({name: value for name, equals, value in pairs if equals})


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _together(sources: Iterable[Source]) -> dict[str, str]:
    found: dict[str, str] = {}
    for _place, sets in sources:
        found.update(sets)
    return {name: value for name, value in found.items() if value != UNSET}
