# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Whether a directory of the controller outlives the run: new CA keys must not be written to one that does not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

# Emptied at a reboot, by age (systemd-tmpfiles), or when the container ends.
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")
_TEMPORARY_VARIABLES = ("TMPDIR", "TEMP", "TMP")

# Where an execution environment has the files of its one job.
_RUNNER = "/runner"

# Variables in which automation controllers and CI systems name the directories of one job.
_JOB_VARIABLES = {
    "AWX_PRIVATE_DATA_DIR": "AWX or Ansible Automation Platform",
    "AWX_ISOLATED_DATA_DIR": "ansible-runner",
    "SEMAPHORE_TMP_PATH": "Semaphore",
    "GITHUB_WORKSPACE": "GitHub, Gitea or Forgejo Actions",
    "RUNNER_TEMP": "GitHub, Gitea or Forgejo Actions",
    "CI_PROJECT_DIR": "GitLab CI",
    "CI_WORKSPACE": "Woodpecker",
    "DRONE_WORKSPACE": "Drone",
    "WORKSPACE": "Jenkins",
    "PIPELINE_WORKSPACE": "Azure Pipelines",
    "BUILD_SOURCESDIRECTORY": "Azure Pipelines",
    "BITBUCKET_CLONE_DIR": "Bitbucket Pipelines",
    "BUILDKITE_BUILD_CHECKOUT_PATH": "Buildkite",
    "CIRCLE_WORKING_DIRECTORY": "CircleCI",
}
# WORKSPACE is anybody's word; a Jenkins job has this one beside it.
_NEEDED_BESIDE = {"WORKSPACE": "JENKINS_URL"}

_BY_JOB = (
    "Mount a volume that outlives the job and set etcd_pki_dir to a directory of it, or give the CAs as vaulted "
    "variables (docs/automation.md)"
)


class Doubt(NamedTuple):
    """Why keys in a directory would be lost.

    :param reason: a clause, such as C(/tmp is for temporary files).
    :param remedy: what is safe instead, a sentence without its full stop.
    """

    reason: str
    remedy: str


def doubt(directory: str, cluster: str, environment: Mapping[str, str]) -> Doubt | None:
    """What speaks against keeping keys in a directory, or None.

    :param directory: as it was given; a C(~) is that of the controller.
    :param environment: that of the controller's process.
    """
    given = os.path.expanduser(directory)
    place = os.path.realpath(given)
    job = _below(place, _jobs(environment))
    if job:
        return Doubt(job, _BY_JOB)
    reason = _passing(place, environment)
    if reason:
        return Doubt(reason, _elsewhere(cluster, environment))
    if not os.path.isabs(given):
        reason = f"{directory} is a relative path, which is another directory wherever else the run is started"
        if given.split("/")[0] == "None":
            return Doubt(f"{reason}; an inventory such as -i HOST, has no directory", _elsewhere(cluster, environment))
        return Doubt(reason, _set_to(os.path.abspath(given)))
    return None


def kept_directory(cluster: str, environment: Mapping[str, str]) -> str:
    """A directory that stays, for a piece of advice."""
    home = os.path.join(os.path.expanduser("~"), "etcd-pki", cluster)
    lost = _below(os.path.realpath(home), _jobs(environment)) or _passing(os.path.realpath(home), environment)
    return f"/srv/etcd-pki/{cluster}" if lost else home


def _elsewhere(cluster: str, environment: Mapping[str, str]) -> str:
    return _set_to(kept_directory(cluster, environment))


def _set_to(directory: str) -> str:
    return f"Set a directory that is kept, here and in each later run: -e etcd_pki_dir={directory}"


def _passing(place: str, environment: Mapping[str, str]) -> str:
    if "ansible_collections" in place.split("/"):
        return "it lies in an installed collection, which an upgrade replaces"
    temporary = {path: f"{path} is for temporary files" for path in _TEMPORARY}
    for name in _TEMPORARY_VARIABLES:
        path = environment.get(name, "")
        temporary.setdefault(path, f"{path} is for temporary files (${name})")
    return _below(place, temporary.items())


def _jobs(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, system in _JOB_VARIABLES.items():
        path = os.path.expanduser(environment.get(name, ""))
        if _NEEDED_BESIDE.get(name, name) in environment:
            yield path, f"{path} is the directory of one job of {system} (${name})"
    yield _RUNNER, f"{_RUNNER} is the directory of one job in an execution environment"


def _below(place: str, reasons: Iterable[tuple[str, str]]) -> str:
    """The reason of the first directory that a place is below, or an empty string."""
    for path, reason in reasons:
        root = os.path.realpath(path)
        # A variable that names nothing, or everything, says nothing.
        if os.path.isabs(path) and root != "/" and f"{place}/".startswith(f"{root}/"):
            return reason
    return ""
