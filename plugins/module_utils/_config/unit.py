# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The systemd unit of one member: hardened, guarded by the gate, its sandbox following the member's directories."""

from __future__ import annotations

import posixpath

from ansible_collections.quorum.etcd.plugins.module_utils._config import container, sandbox
from ansible_collections.quorum.etcd.plugins.module_utils._config.env_file import SETTINGS_VARIABLE
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE, YAML, Layout

_UNIT = """\
{signature}changes made by hand are put right at the next run. Use a drop-in for what is yours.
[Unit]
Description=etcd member {name} of {cluster}
Documentation=https://etcd.io/docs/
Wants=network-online.target
After=network-online.target time-sync.target local-fs.target remote-fs.target
{after}# A refused start is tried again for ever, so that a disk that returns is picked up.
StartLimitIntervalSec=0

[Service]
# etcd says READY only once a quorum answers: how long that takes at a first start is not this unit's to say.
{kind}
TimeoutStartSec=infinity
Restart={restart}
RestartSec=5
{account}WorkingDirectory=/
{settings}# etcd would send its peer traffic through a proxy named in the environment.
UnsetEnvironment=HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
ExecStartPre=+{gate} before
{command}
ExecStartPost=+{gate} ready
{remove}ExecStopPost=+{gate} after
LimitNOFILE=65536
{memory}OOMScoreAdjust=-500
UMask=0077
{sandbox}
[Install]
WantedBy=multi-user.target
"""


# One that runs a container has root start it, and what etcd may do there is among the options of the container.
_ACCOUNT = """\
User={user}
Group={group}
"""

_ENVIRONMENT = """\
EnvironmentFile={conf_file}
# Published by the gate for the one first start, gone otherwise.
EnvironmentFile=-{run_dir}/bootstrap.env
"""

# The gate reads there what etcd would have had in its environment.
_CONFIG_FILE = """\
# From this file the gate makes the one that etcd reads; etcd itself knows nothing of this variable.
Environment={variable}={conf_file}
"""


def writable_dirs(layout: Layout) -> list[str]:
    """The directories etcd writes to: its data, its log when that lies elsewhere, its log file's directory.

    etcd makes C(wal-dir) itself by renaming a sibling, so it is the parent that must be writable
    (server/storage/wal/wal.go, Create).
    """
    paths = [layout.data_dir]
    if layout.wal_dir:
        paths.append(posixpath.dirname(layout.wal_dir))
    if layout.log_file:
        paths.append(posixpath.dirname(layout.log_file))
    return list(dict.fromkeys(paths))


def render(
    layout: Layout,
    name: str,
    cluster: str,
    binary: str,
    locks_memory: bool = False,
    runtime: str = "",
    image: str = "",
) -> str:
    """The unit file.

    :param binary: the versioned path of etcd; links are for people.
    :param locks_memory: is the database to stay in memory? Above the limit that systemd gives etcd would end with
        C(failed to commit tx) as soon as the database grows (server/storage/backend/backend.go, C(Mlock)).
    :param runtime: C(podman) or C(docker), where etcd is to run in a container.
    :param image: the ID of its image.
    """
    writable = writable_dirs(layout)
    inside = container.service(layout, runtime, image, writable) if image else None
    has_file = layout.config_format == YAML
    settings = (_CONFIG_FILE if has_file else _ENVIRONMENT).format(
        conf_file=layout.conf_file, run_dir=layout.run_dir, variable=SETTINGS_VARIABLE
    )
    if inside:
        settings += container.environment(layout, posixpath.dirname(binary), runtime)
    start = f"ExecStart={binary}{f' --config-file={layout.started_file}' if has_file else ''}"
    return _UNIT.format(
        signature=SIGNATURE,
        # A percent sign begins a specifier (systemd.unit(5)).
        name=name.replace("%", "%%"),
        cluster=cluster.replace("%", "%%"),
        after=inside.after if inside else "",
        kind=inside.kind if inside else "Type=notify",
        # A container that its runtime stops, by hand or with itself, ends like one that was asked to: with 0.
        restart="always" if inside else "on-failure",
        account="" if inside else _ACCOUNT.format(user=layout.user, group=layout.group),
        settings=settings,
        gate=layout.gate_file,
        command="".join([inside.before, inside.start, inside.wait]).rstrip("\n") if inside else start,
        remove=inside.remove if inside else "",
        memory="LimitMEMLOCK=infinity\n" if locks_memory else "",
        # A directory on a missing disk is the gate's to speak of.
        sandbox="" if inside else "\n" + sandbox.lines(writable, withheld_calls="@privileged @resources"),
    )
