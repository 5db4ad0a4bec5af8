# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts: made, booted, reached, and removed without a trace."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lab import disks
from lab.commands import LabError, locked, output, succeeds
from lab.engine import Engine
from lab.image import ensure_image
from lab.links import heal
from lab.network import create_network, free_subnet, remove_network, taken_subnets
from lab.paths import MACHINE_LOCK
from lab.server import ensure_server, stop_server
from lab.state import Host, Lab, check_name

DATA = "/var/lib/etcd"
#: Seconds within which a host has booted, on a busy machine.
PATIENCE = 90.0


#: Tells boots of a host apart. The kernel and its boot_id are this machine's: a container has its first process alone.
BOOT_TIME = ("cut", "-d", " ", "-f", "22", "/proc/1/stat")
#: Reboots a host. What C(shutdown) asks, systemd-logind, does not run there.
REBOOT = ("systemctl", "--no-block", "start", "reboot.target")


def up(engine: Engine, lab: Lab, wanted: Sequence[Host], say: Callable[[str], None]) -> None:
    """Bring hosts up, and return when each has booted and answers by ssh. What is there already stays as it is.

    :param wanted: the hosts; their numbers and passwords are decided here.
    :raises LabError: a host exists with other properties, or something fails.
    """
    for host in wanted:
        check_name("host", host.name)
    with locked(MACHINE_LOCK):
        images = {debian: ensure_image(engine, debian) for debian in {host.debian for host in wanted}}
    if lab.subnet is None:
        # Between choosing a subnet and making the network nobody else may choose.
        with locked(MACHINE_LOCK):
            lab.subnet = free_subnet(taken_subnets(engine))
            create_network(engine, lab.network, lab.subnet)
        lab.save()
    _ensure_key(lab)
    states = container_states(engine, lab)
    present, created = [], []
    for want in wanted:
        host = _known(lab, want)
        if lab.container(host) not in states:
            say(f"{host.name}: Debian {host.debian} at {lab.address(host)}")
            try:
                _create(engine, lab, host, images[host.debian])
            except LabError:
                # Half a host would be taken for a whole one by the next run.
                succeeds(engine.command("rm", "--force", "--volumes", lab.container(host)))
                raise
            created.append(host)
        elif states[lab.container(host)] != "running":
            say(f"{host.name}: started")
            disks.ensure_disk(lab, host)
            engine.output("start", lab.container(host))
        present.append(host)
    wait_until_ready(engine, lab, present)
    for_all(lambda host: _await_boot(engine, lab, host), created)
    ensure_server(engine, lab)
    lab.save()


def down(engine: Engine, lab: Lab) -> None:
    """Remove everything of a lab: containers, network, rules, disks, release server, and its directory."""
    stop_server(lab)
    _remove(engine, container_states(engine, lab))
    heal(engine, lab)
    remove_network(engine, lab.network)
    for host in lab.hosts:
        disks.remove_disk(lab, host)
    lab.forget()


def rebuild(engine: Engine, lab: Lab, hosts: Sequence[Host], say: Callable[[str], None]) -> None:
    """Put new hosts in the place of others, with their names and addresses. A disk of its own moves to the new host."""
    states = container_states(engine, lab)
    ours = {lab.container(host) for host in hosts}
    _remove(engine, {container: state for container, state in states.items() if container in ours})
    for host in hosts:
        for version in (4, 6):
            # ssh would take the new host's key for an attack.
            succeeds(["ssh-keygen", "-f", str(lab.known_hosts), "-R", lab.address(host, version)])
    up(engine, lab, hosts, say)


def start(engine: Engine, lab: Lab, hosts: Sequence[Host]) -> None:
    """Switch hosts on, and return when they have booted."""
    for host in hosts:
        engine.output("start", lab.container(host))
    wait_until_ready(engine, lab, hosts)


def reboot(engine: Engine, lab: Lab, hosts: Sequence[Host]) -> None:
    """Let hosts reboot, as a machine does that is told to, and return when they have booted."""
    before = {host.name: _started(engine, lab, host) for host in hosts}
    for host in hosts:
        engine.output("exec", lab.container(host), *REBOOT)
    deadline = time.monotonic() + PATIENCE
    for host in hosts:
        while _started(engine, lab, host) in ("", before[host.name]):
            if time.monotonic() > deadline:
                raise LabError(f"{host.name} did not reboot within {PATIENCE:g} seconds.")
            time.sleep(0.1)
    wait_until_ready(engine, lab, hosts)


def _started(engine: Engine, lab: Lab, host: Host) -> str:
    """When a host has booted, in ticks of this machine; empty while it has not."""
    try:
        return engine.output("exec", lab.container(host), *BOOT_TIME, timeout=10).strip()
    except LabError:
        return ""


def container_states(engine: Engine, lab: Lab) -> dict[str, str]:
    """The lab's containers, and C(running), C(paused), C(exited) or what else the engine calls their state."""
    ours = engine.output("ps", "--all", "--quiet", "--filter", f"label=quorum.etcd.lab={lab.name}").split()
    if not ours:
        return {}
    described = engine.output("inspect", "--format", "{{.Name}} {{.State.Status}}", *ours)
    # Docker puts a slash before the name.
    return dict(sorted(line.removeprefix("/").split() for line in described.splitlines()))


def wait_until_ready(engine: Engine, lab: Lab, hosts: Sequence[Host]) -> None:
    """Wait until each host lets its user in by ssh.

    Not until all of its services have started: an etcd that waits for the others would never let that happen.

    :raises LabError: one of them does not within its time.
    """
    for_all(lambda host: _await_login(engine, lab, host), hosts)


def for_all(act: Callable[[Host], None], hosts: Iterable[Host]) -> None:
    """Do something on all hosts side by side."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(act, hosts))


def ssh_options(lab: Lab) -> list[str]:
    """How ssh finds its key, and where it keeps the hosts' keys: not among the user's own."""
    return [
        *("-i", str(lab.key), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=accept-new"),
        *("-o", f"UserKnownHostsFile={lab.known_hosts}"),
    ]


def _remove(engine: Engine, containers: Mapping[str, str]) -> None:
    """Remove containers, given with their states."""
    running = [container for container, state in containers.items() if state == "running"]
    if running:
        # Who is removed needs no goodbye, and systemd takes its time over one. After a machine lost its power the
        # engine says "running" of containers whose processes are gone: those cannot be killed, only removed.
        succeeds(engine.command("kill", *running))
    if containers:
        engine.output("rm", "--force", "--volumes", *containers)


def _known(lab: Lab, want: Host) -> Host:
    """The host as the lab has it, taken into the lab where it is new."""
    for host in lab.hosts:
        if host.name == want.name:
            if (host.debian, host.disk, host.user) != (want.debian, want.disk, want.user):
                raise LabError(
                    f"{host.name} exists already, as Debian {host.debian} with user {host.user} and "
                    f"{f'a disk of {host.disk}' if host.disk else 'no disk of its own'}: take the lab down first."
                )
            return host
    number = 1 + max((host.number for host in lab.hosts), default=-1)
    password = "" if want.user == "root" else secrets.token_hex(8)
    host = replace(want, number=number, password=password)
    lab.hosts.append(host)
    lab.save()
    return host


def _create(engine: Engine, lab: Lab, host: Host, image: str) -> None:
    subnet = lab.placed
    disks.ensure_disk(lab, host)
    engine.output(
        *("run", "--detach", "--name", lab.container(host), "--hostname", host.name),
        *("--label", f"quorum.etcd.lab={lab.name}"),
        *("--network", lab.network, "--network-alias", host.name, "--mac-address", subnet.mac(host.number)),
        *("--ip", subnet.address(host.number), "--ip6", subnet.address(host.number, 6)),
        *(("--volume", f"{lab.disk(host)}:{DATA}") if host.disk else ()),
        # As a machine does that is rebooted from within; power that is cut stays cut (lab kill).
        *("--restart", "always"),
        *engine.systemd_options(),
        image,
    )
    engine.output("exec", "--interactive", lab.container(host), "sh", "-ceu", _welcome(host), stdin=_answers(lab, host))


def _welcome(host: Host) -> str:
    """The shell lines that let the user in: the public key and the password come on standard input."""
    home = "/root" if host.user == "root" else f"/home/{host.user}"
    account = (
        ""
        if host.user == "root"
        else f"useradd --create-home --shell /bin/bash --groups sudo {host.user}\n"
        f'read -r password; echo "{host.user}:$password" | chpasswd\n'
    )
    return (
        f"{account}install -d -m 0700 -o {host.user} {home}/.ssh\n"
        f"install -m 0600 -o {host.user} /dev/stdin {home}/.ssh/authorized_keys\n"
    )


def _answers(lab: Lab, host: Host) -> str:
    public = lab.key.with_suffix(".pub").read_text(encoding="utf-8")
    return f"{host.password}\n{public}" if host.password else public


def _ensure_key(lab: Lab) -> None:
    if not lab.key.exists():
        output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", lab.prefix, "-f", str(lab.key)])


def _await_login(engine: Engine, lab: Lab, host: Host) -> None:
    deadline = time.monotonic() + PATIENCE
    login = ["ssh", *ssh_options(lab), "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"]
    login += [f"{host.user}@{lab.address(host)}", "true"]
    while not succeeds(engine.in_network(login), timeout=10):
        if time.monotonic() > deadline:
            raise LabError(
                f"{host.name} let nobody in within {PATIENCE:g} seconds: "
                f"`python3 -m lab --name {lab.name} exec {host.name} journalctl -b` shows why."
            )
        time.sleep(0.1)


def _await_boot(engine: Engine, lab: Lab, host: Host) -> None:
    """Wait until all services of a new host have started."""
    try:
        engine.output("exec", lab.container(host), "systemctl", "is-system-running", "--wait", timeout=PATIENCE)
    except LabError as problem:
        raise LabError(
            f"{host.name} did not boot as it should: `python3 -m lab --name {lab.name} exec {host.name} "
            f"systemctl --failed` shows why. {problem}"
        ) from None
