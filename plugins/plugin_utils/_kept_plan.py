# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Plans that are kept in a file of the controller, one for each cluster: written in check mode, and held to later."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import values
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._plan import approved_plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.approved_plan import ApprovedPlan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Request

#: Of what the file holds. Another shape gets another number.
SCHEMA = 2

_COLLECTION = Path(__file__).resolve().parents[2]


def check_options(request: Request) -> None:
    """Do the options for plans that are kept suit what is asked for?

    :raises BadInput: they do not.
    """
    kept, wanted = request.arguments["approved"], request.arguments["plan_file"]
    if (kept or wanted) and request.arguments["goal"] != "cluster":
        raise BadInput(
            "etcd_plan and etcd_plan_file are for playbooks/etcd.yml only; no other playbook keeps a plan, or is held "
            "to one. Leave them out."
        )
    if kept and wanted:
        raise BadInput("Give etcd_plan_file to keep a plan, or etcd_plan to carry one out, and not both.")
    if wanted and not request.is_check:
        raise BadInput(
            "etcd_plan_file keeps a plan that is not carried out, and this run would carry it out. Add --check; what "
            f"was approved is then carried out with -e etcd_plan={wanted}"
        )


def approved(request: Request) -> ApprovedPlan | None:
    """The plan that a run is held to, None where it is held to none.

    :raises EtcdError: the file cannot be used, or does not say what was approved for this cluster.
    """
    path = request.arguments["approved"]
    if not path:
        return None
    path = _absolute(path)
    max_age = values.duration(str(request.arguments["plan_max_age"] or "0"), "etcd_plan_max_age") / 10**9
    clusters = _read(path)
    if request.cluster not in clusters:
        raise Refused(
            f"{path} has no plan of {request.cluster}. It has those of: {', '.join(clusters) or 'none'}.",
            "Nobody has approved a change of this cluster.",
            f"Name the cluster that is meant (-e etcd_group=GROUP), or plan this one: {advice.keep_plan(path)}",
            code="plan-of-another-cluster",
        )
    found = _understood(path, clusters[request.cluster])
    if not (request.arguments["verify"] or request.arguments["begun"]):
        # What was begun in time is brought to its end.
        approved_plan.check_age(found, time.time(), max_age, path)
    return found


def compared(request: Request, found: ApprovedPlan | None, hosts: Sequence[Host], plan: Plan, goes_on: bool) -> Plan:
    """Return the plan with what a person should know of the one that is kept: it is written, or held against it.

    :param found: the plan that the run is held to.
    :param goes_on: the steps follow on others of the same run.
    :raises EtcdError: the plan is no part of it, or cannot be kept.
    """
    wanted = request.arguments["plan_file"]
    if found is None and not wanted:
        return plan
    now = approved_plan.describe(hosts, plan, request.cluster, time.time(), _release())
    if found is not None:
        path = _absolute(request.arguments["approved"])
        if request.arguments["verify"] and not goes_on:
            return plan
        approved_plan.check(found, now, path)
        left = f"{len(now.steps)} of its {len(found.steps)} steps are left"
        return _noting(plan, f"this is plan {found.id} of {path}, made at {found.made}; {left}")
    approved_plan.check_complete(plan, request.cluster)
    path = _absolute(wanted)
    with _changing(path) as clusters:
        # Every host of the cluster arrives at the same plan, and writes it: a refusal is alike on all of them, too.
        clusters[request.cluster] = now.to_dict()
    return _noting(plan, f"plan {now.id} is kept in {path}; carry it out with -e etcd_plan={path}")


@contextlib.contextmanager
def withdrawn_if_refused(request: Request) -> Iterator[None]:
    """Take what a file has of this cluster out of it where the plan that was to take its place is refused."""
    try:
        yield
    except EtcdError:
        path = request.arguments["plan_file"]
        if path and os.path.exists(_absolute(path)):
            with contextlib.suppress(EtcdError), _changing(_absolute(path)) as clusters:
                clusters.pop(request.cluster, None)
        raise


def _noting(plan: Plan, note: str) -> Plan:
    return replace(plan, notes=(*plan.notes, note))


def _absolute(path: str) -> str:
    """From where the playbook is run: a playbook of an installed collection is no place for a file."""
    return os.path.abspath(os.path.expanduser(path))


@contextlib.contextmanager
def _changing(path: str) -> Iterator[dict[str, Any]]:
    """The clusters of a file, written if they were changed. Hosts of several clusters plan at once, so one by one.

    :raises EtcdError: it cannot be read or written, or holds something else.
    """
    try:
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise BadInput(f"etcd_plan_file is {path}, and its directory cannot be used: {exc.strerror}.") from exc
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        clusters = _read(path) if os.path.lexists(path) else {}
        before = json.dumps(clusters)
        yield clusters
        if json.dumps(clusters) != before:
            text = json.dumps({"schema": SCHEMA, "clusters": clusters}, indent=1)
            atomic.replace(path, f"{text}\n".encode(), 0o600)
    except OSError as exc:
        raise BadInput(f"etcd_plan_file is {path}, which cannot be written: {exc.strerror}.") from exc
    finally:
        os.close(directory)


def _read(path: str) -> dict[str, Any]:
    """The clusters of a file, not yet understood.

    :raises Refused: it holds no plans, or others may have changed it.
    """
    try:
        found, content = _content(path)
    except OSError as exc:
        raise _unusable(path, f"cannot be read: {exc.strerror}") from exc
    if found.st_uid not in (0, os.geteuid()):
        raise Refused(
            f"{path} belongs to the account {found.st_uid}, so that somebody else can write it.",
            "What was approved could have been changed.",
            f"See that it is what was approved, then make it yours: chown {os.geteuid()} {path}",
            code="plan-file-unusable",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(
            f"{path} has the mode {stat.S_IMODE(found.st_mode):04o}, so that others can write it.",
            "What was approved could have been changed.",
            f"See that it is what was approved, then: chmod 600 {path}",
            code="plan-file-unusable",
        )
    try:
        told = json.loads(content)
    except ValueError as exc:
        raise _unusable(path, "is not JSON") from exc
    if not isinstance(told, dict) or not isinstance(told.get("clusters"), dict):
        raise _unusable(path, "holds something else")
    if told.get("schema") != SCHEMA:
        raise _unusable(path, f"has the schema {told.get('schema')!r}, and this release reads {SCHEMA}")
    return dict(told["clusters"])


def _content(path: str) -> tuple[os.stat_result, bytes]:
    """A file's state and what is in it, of one that is opened once: a pipe is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _unusable(path, "is no file")
        with open(descriptor, "rb", closefd=False) as file:
            return found, file.read()
    finally:
        os.close(descriptor)


def _understood(path: str, told: Any) -> ApprovedPlan:
    try:
        return ApprovedPlan.from_dict(told)
    except (ValueError, TypeError) as exc:
        raise _unusable(path, f"is not as it was written: {exc}") from exc


def _unusable(path: str, why: str) -> Refused:
    return Refused(
        f"{path} {why}.",
        "It does not tell what was approved.",
        "Name the file that etcd_plan_file has written. Where a new one is to take its place, remove it first.",
        code="plan-file-unusable",
    )


def _release() -> str:
    """The version of this collection: as it was built, else that of a checkout."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return str(json.loads((_COLLECTION / "MANIFEST.json").read_text())["collection_info"]["version"])
    with contextlib.suppress(OSError):
        found = re.search(r"^version:\s*(\S+)", (_COLLECTION / "galaxy.yml").read_text(), re.MULTILINE)
        return found[1] if found else "unknown"
    return "unknown"
