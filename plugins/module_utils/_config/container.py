# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How the unit of a member runs etcd in a container, and which settings such a member cannot have.

It is an ordinary unit and no Quadlet, which podman 4.3 does not have and Docker never had. systemd alone decides when
etcd starts: the runtime restarts nothing, and never asks a registry for an image. systemd starts it again whatever it
ended with, for C(podman stop), C(docker stop) and the end of the runtime let etcd end with 0.

- With C(--cgroups=split) podman has etcd in the unit's own cgroup, so that nothing of it outlives a stop.
- With C(--sdnotify=container) READY comes from etcd, and not from podman as soon as the process is there.
- Docker passes no such message on: the container is in no cgroup of the unit, and systemd drops it. So the unit waits
  until etcd answers before its gate is told that it is ready, and takes the container away before its gate is told
  that it has ended: etcd goes on where only C(docker run) was killed.
- Both get C(INVOCATION_ID), by which the gate's record of a start is told from that of another process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config.env_file import RELEASE_VARIABLE, RUNTIME_VARIABLE
from ansible_collections.quorum.etcd.plugins.module_utils._config.settings import LOCKING
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value, text_of
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import DOCKER, PODMAN, PROGRAMS
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import YAML, Layout

# What both runtimes take. With an entry point of the image's own the program would be an argument to something else.
_OPTIONS = """\
--pull=never --network=host --read-only --cap-drop=all \\
  --security-opt=no-new-privileges --security-opt=label=disable \\
  --user="$$(id -u {user}):$$(getent group {group} | cut -d: -f3)" --ulimit={limits} \\
  --env=INVOCATION_ID --env={release_variable} --env={runtime_variable} {settings} \\
  {mounts} \\
  --entrypoint={program}/etcd {image}'"""

_PODMAN = """\
ExecStart=/bin/sh -c 'exec podman run --rm --replace --name={name} \\
  --cgroups=split --sdnotify=container --log-driver=passthrough --http-proxy=false --umask=0077 \\
  """

_DOCKER = """\
ExecStart=/bin/sh -c 'exec docker run --rm --name={name} \\
  --cidfile={cid_file} --log-driver=none --oom-score-adj="$$(cat /proc/self/oom_score_adj)" \\
  """

# What systemd has allowed the unit.
_LIMITS = {PODMAN: "host", DOCKER: 'nofile="$$(ulimit -n)"'}

# podman takes an asterisk. For Docker each variable is named, and its value is read from the environment.
_ALL = {PODMAN: '--env="ETCD_*"', DOCKER: '$$(env | grep -o "^ETCD_[A-Z0-9_]*" | sed "s/^/--env=/")'}

# By a linearizable read: without a quorum etcd answers others after a while. It looks for a permission only once it
# could read, and a learner says that it is one. etcd may have ended meanwhile, and systemd waits for this before it
# looks.
_WAIT = """\
ExecStartPost=/bin/sh -c 'until {etcdctl} endpoint health 2>&1 | \\
  grep -q -e "is healthy" -e "user name is empty" -e "not supported for learner"; do \\
    kill -0 "$$MAINPID" 2>/dev/null || exit 1; sleep 0.2; done'
"""

# The container is gone if no process is in it. A Docker that was killed leaves one which it does not know of later.
_REMOVE_DOCKER = """\
/bin/sh -c 'docker rm --force {name} >/dev/null 2>&1; tries=0; \\
  while [ -s {cid_file} ] && grep -qs "$$(cat {cid_file})" /proc/[0-9]*/cgroup; do \\
    if [ $$tries -ge 25 ]; then echo "The container {name} could not be removed." >&2; exit 1; fi; \\
    tries=$$((tries + 1)); sleep 0.2; done; rm -f {cid_file}'
"""


@dataclass(frozen=True)
class Service:
    """What a unit that runs a container has of its own.

    :param after: what it is started after.
    :param kind: how systemd learns that it is ready.
    :param before: commands right before etcd, one a line.
    :param start: the command.
    :param wait: what comes between the start and the gate's word that the member is ready.
    :param remove: what comes between the end and the gate's word of it.
    """

    after: str
    kind: str
    before: str
    start: str
    wait: str
    remove: str


def container_name(layout: Layout) -> str:
    """The name of a member's container: no one that a guide would give to another."""
    return f"quorum-etcd-{layout.instance}"


def service(layout: Layout, runtime: str, image: str, written: Sequence[str]) -> Service:
    """What the unit of a member runs.

    :param runtime: C(podman) or C(docker).
    :param image: its ID.
    :param written: the directories that etcd writes to.
    :raises BadInput: it is not known by which runtime.
    """
    if runtime not in _ALL:
        raise BadInput("etcd is to run in a container (etcd_install_method), and it is not known by which runtime.")
    words = {"name": container_name(layout), "cid_file": layout.container_file}
    options = _OPTIONS.format(
        user=layout.user,
        group=layout.group,
        release_variable=RELEASE_VARIABLE,
        runtime_variable=RUNTIME_VARIABLE,
        limits=_LIMITS[runtime],
        settings=_ALL[runtime],
        mounts=" \\\n  ".join(_mounts(layout, written)),
        image=image,
        program=PROGRAMS,
    )
    if runtime == PODMAN:
        return Service(
            after="",
            kind="Type=notify\nNotifyAccess=all\nDelegate=yes",
            before="",
            start=_PODMAN.format(**words) + options + "\n",
            wait="",
            remove="ExecStopPost=-podman rm --force --ignore {name}\n".format(**words),
        )
    remove = _REMOVE_DOCKER.format(**words)
    return Service(
        # Wanted and not required: with Docker's restart this unit restarts by itself.
        after="Wants=docker.service\nAfter=docker.service\n",
        kind="Type=exec",
        before=f"ExecStartPre={remove}",
        start=_DOCKER.format(**words) + options + "\n",
        wait=_WAIT.format(etcdctl=layout.link("etcdctl")),
        remove=f"ExecStopPost={remove}",
    )


def environment(layout: Layout, release: str, runtime: str) -> str:
    """By what the process is recognized: its release and its runtime, in the unit and in the container."""
    found = f"Environment={RELEASE_VARIABLE}={release} {RUNTIME_VARIABLE}={runtime}\n"
    # The settings of root may have a proxy for each container, and etcd would send its peer traffic through it.
    return found + (f"Environment=DOCKER_CONFIG={layout.run_dir}\n" if runtime == DOCKER else "")


def _mounts(layout: Layout, written: Sequence[str]) -> Iterator[str]:
    """What the container sees of the host, under the same paths. A source that is missing ends the start: C(--volume)
    of Docker would make it.
    """
    for path in _outermost(written):
        yield f"--mount=type=bind,source={path},target={path}"
    if not _is_under(layout.conf_dir, written):
        yield f"--mount=type=bind,source={layout.conf_dir},target={layout.conf_dir},readonly"


def _outermost(paths: Sequence[str]) -> list[str]:
    return [path for path in dict.fromkeys(paths) if not _is_under(path, [one for one in paths if one != path])]


def _is_under(path: str, tops: Sequence[str]) -> bool:
    return any(f"{path}/".startswith(f"{top}/") for top in tops)


def problems(settings: Mapping[str, Value], layout: Layout, written: Sequence[str]) -> Iterator[str]:
    """Settings that a member in a container cannot have, in sentences.

    :param settings: all that it is to have, by etcd's names.
    :param written: the directories that etcd writes to.
    """
    if layout.config_format == YAML:
        yield f"etcd_config_format is {YAML}, which a member in a container does not read: leave it unset."
    for name in LOCKING:
        if settings.get(name):
            yield f"etcd_settings has {name}, and a container is not allowed to lock its memory: take it out."
    seen = [*written, layout.conf_dir]
    for path in (one for one in seen if "," in one):
        yield f"{path} has a comma, by which podman and Docker would end its name: give another directory."
    for name, value in settings.items():
        for path in text_of(value).replace("=", ",").split(","):
            if path.startswith("/") and not path.startswith("/dev/") and not _is_under(path, seen):
                yield (
                    f"{name} names {path}, which a container does not see: it sees {', '.join(seen)}. Put the file "
                    f"below {layout.conf_dir}."
                )
