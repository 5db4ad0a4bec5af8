# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each command does: from parsed options to the parts of the lab, and from results to what is printed."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

from lab import deps, faults, hosts, images, inventory, links, releases, server, state, writer
from lab.commands import LabError, locked
from lab.engine import Engine, find_engine
from lab.state import Host, Lab

#: Takes the parsed options; returns the exit code where it is not 0.
Verb = Callable[[argparse.Namespace], int | None]


def say(words: str) -> None:
    """Tell what is going on. Results go to standard output, this to standard error."""
    print(words, file=sys.stderr, flush=True)


def on_hosts(act: Callable[[Engine, Lab, Sequence[Host]], None]) -> Verb:
    """A command that does one thing to the hosts it is given."""

    def run(options: argparse.Namespace) -> None:
        lab = state.load(options.name)
        act(find_engine(), lab, [lab.host(name) for name in options.hosts])

    return run


def on_disk(act: Callable[[Engine, Lab, Host, str], None]) -> Verb:
    """A command that does one thing to the disk below a path of a host."""

    def run(options: argparse.Namespace) -> None:
        lab = state.load(options.name)
        act(find_engine(), lab, lab.host(options.host), options.path)

    return run


def install_deps(options: argparse.Namespace) -> None:
    deps.install(say)


def up(options: argparse.Namespace) -> None:
    deps.install(say)
    names = options.hosts or [f"etcd-host{number}" for number in range(options.count)]
    wanted = [
        # Number and password are the lab's to choose.
        Host(name, number=-1, debian=options.debian, disk=options.disk, user=options.user)
        for name in names
    ]
    engine = find_engine()
    with locked(Lab(options.name).lock):
        hosts.up(engine, state.load(options.name), wanted, say)


def rebuild(options: argparse.Namespace) -> None:
    engine = find_engine()
    with locked(Lab(options.name).lock):
        lab = state.load(options.name)
        hosts.rebuild(engine, lab, [lab.host(name) for name in options.hosts], say)


def down(options: argparse.Namespace) -> None:
    engine = find_engine()
    for name in state.names() if options.all else [options.name]:
        with locked(Lab(name).lock):
            hosts.down(engine, state.load(name))


def status(options: argparse.Namespace) -> None:
    lab = state.load(options.name)
    if not lab.hosts:
        print(f"Lab {lab.name} has no hosts. Labs that have: {', '.join(state.names()) or 'none'}.")
        return
    engine = find_engine()
    states = hosts.container_states(engine, lab)
    for host in lab.hosts:
        print(f"{host.name:16} {states.get(lab.container(host), 'gone'):10} Debian {host.debian} {lab.address(host)}")
    if links.is_cut(engine, lab):
        print("some hosts are cut off from the others")
    if links.is_blocked(engine, lab):
        print("some hosts cannot open connections to others")
    if lab.server:
        print(f"{'release server':16} {'running' if lab.server.process.runs() else 'ended':10} {server.url(lab)}")


def write_inventory(options: argparse.Namespace) -> None:
    lab = state.load(options.name)
    chosen = [lab.host(name) for name in options.hosts] or lab.hosts
    version = 6 if options.ipv6 else 4
    if options.json:
        print(inventory.instances(lab, chosen, version))
        return
    made = inventory.inventory(lab, chosen, version, options.nodes, options.names)
    print(made.write(options.dir or lab.directory / "inventory"))


def address(options: argparse.Namespace) -> None:
    lab = state.load(options.name)
    print(lab.address(lab.host(options.host), 6 if options.ipv6 else 4))


def execute(options: argparse.Namespace) -> int:
    lab = state.load(options.name)
    engine = find_engine()
    terminal = ["--tty"] if sys.stdin.isatty() else []
    container = lab.container(lab.host(options.host))
    return subprocess.call(engine.command("exec", "--interactive", *terminal, container, *options.command))


def within(options: argparse.Namespace) -> int:
    return subprocess.call(find_engine().in_network(options.command))


def block(options: argparse.Namespace) -> None:
    lab = state.load(options.name)
    sources, targets = ([lab.host(name) for name in names] for names in (options.hosts, options.to))
    links.block(find_engine(), lab, sources, targets, options.port)


def unblock(options: argparse.Namespace) -> None:
    links.unblock(find_engine(), state.load(options.name))


def heal(options: argparse.Namespace) -> None:
    links.heal(find_engine(), state.load(options.name))


def slow(options: argparse.Namespace) -> None:
    lab = state.load(options.name)
    faults.slow(find_engine(), lab, lab.host(options.host), options.writes)


def make_releases(options: argparse.Namespace) -> None:
    upstream = releases.Upstream()
    for version in options.versions or releases.VERSIONS:
        release = releases.here(version)
        made = releases.make(release, upstream)
        say(f"etcd {release.version}: {'made' if made else 'there already'}")
        print(release.archive)


def make_images(options: argparse.Namespace) -> None:
    """Print a JSON object of versions and image IDs, as C(etcd_container_image_ids) takes it."""
    upstream, found = releases.Upstream(), {}
    for version in options.versions or releases.VERSIONS[:1]:
        release = releases.here(version)
        releases.make(release, upstream)
        found[release.version] = images.make(release)
    say(f"in {images.DIRECTORY}")
    print(json.dumps(found))


def serve(options: argparse.Namespace) -> None:
    server.serve(options.address, options.port)


def write(options: argparse.Namespace) -> int:
    """Write until the time is up or a file appears, or verify what was written."""

    def done(seconds: float) -> bool:
        return bool(options.until_file.exists() if options.until_file else seconds >= options.seconds)

    try:
        with Client(options.endpoints.split(","), Credentials(options.cacert, options.cert, options.key)) as client:
            if options.act == "run":
                writer.write(client, options.record, done)
                return 0
            verdict = writer.verify(client, options.record, options.up_to)
    except EtcdError as problem:
        raise LabError(str(problem)) from None
    except OSError as problem:
        raise LabError(f"{problem.filename}: {problem.strerror}.") from None
    print(verdict)
    return 1 if verdict.lost else 0
