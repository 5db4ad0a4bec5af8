# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import faults, hosts, image, links, releases, verbs
from lab.commands import LabError

EPILOG = """\
A first look:
  python3 -m lab releases 3.6.14
  python3 -m lab up
  ansible-playbook -i "$(python3 -m lab inventory)" playbooks/etcd.yml
  python3 -m lab kill etcd-host1
  python3 -m lab down
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the lab.

    :returns: the exit code: 0; 1 with the reason on standard error; or that of a command run on a host.
    """
    options = parser().parse_args(arguments)
    try:
        code: int | None = options.run(options)
    except LabError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code or 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python3 -m lab",
        description="Real hosts for etcd clusters: containers with systemd, ssh and addresses of their own.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--name", default="lab", help="which lab; labs of different names live side by side [%(default)s]")
    commands = Commands(top)
    _add_hosts(commands)
    _add_access(commands)
    _add_faults(commands)
    _add_releases(commands)
    _add_writer(commands)
    return top


class Commands:
    """The subcommands of a parser."""

    def __init__(self, top: argparse.ArgumentParser) -> None:
        self._commands = top.add_subparsers(metavar="COMMAND", required=True)

    def add(self, name: str, run: verbs.Verb, summary: str, details: str = "") -> argparse.ArgumentParser:
        """A command of its own options."""
        description = f"{summary[0].upper()}{summary[1:]}. {details}".rstrip()
        added = self._commands.add_parser(name, help=summary, description=description)
        added.set_defaults(run=run)
        return added

    def on_host(self, name: str, run: verbs.Verb, summary: str, details: str = "") -> argparse.ArgumentParser:
        """A command for one host."""
        added = self.add(name, run, summary, details)
        added.add_argument("host", metavar="HOST")
        return added

    def on_hosts(self, name: str, run: verbs.Verb, summary: str, details: str = "") -> argparse.ArgumentParser:
        """A command for one host or more."""
        added = self.add(name, run, summary, details)
        added.add_argument("hosts", metavar="HOST", nargs="+")
        return added


def _add_hosts(commands: Commands) -> None:
    commands.add(
        "deps", verbs.install_deps, "install the programs that the lab needs", "By apt as root, else they are named."
    )
    up = commands.add(
        "up", verbs.up, "make hosts, and wait until they have booted", "Hosts that are there stay as they are."
    )
    which = up.add_mutually_exclusive_group()
    which.add_argument("hosts", metavar="HOST", nargs="*", default=[], help="names of hosts")
    which.add_argument(
        "--hosts", dest="count", metavar="N", type=int, default=3, help="etcd-host0 and on [%(default)s]"
    )
    up.add_argument("--debian", type=int, choices=sorted(image.SUITES), default=12, help="release [%(default)s]")
    up.add_argument(
        "--data-tmpfs",
        dest="disk",
        metavar="SIZE",
        default="",
        help=f"a disk at {hosts.DATA}, in memory, kept over kill and start; for example 512m",
    )
    up.add_argument("--user", default="root", help="log in as this user, who may sudo with a password, not as root")
    commands.on_hosts(
        "rebuild",
        verbs.rebuild,
        "take hosts away, and make new ones with their names and addresses",
        "A disk of its own (--data-tmpfs) is kept, with all that is on it.",
    )
    down = commands.add("down", verbs.down, "remove everything of a lab")
    down.add_argument("--all", action="store_true", help="every lab of this checkout")
    commands.add("status", verbs.status, "show the hosts and what state they are in")


def _add_access(commands: Commands) -> None:
    inventory = commands.add(
        "inventory",
        verbs.write_inventory,
        "write an Ansible inventory, and print the path of its hosts file",
        "Beside the hosts file lies group_vars/etcd_cluster.yml with connection, release server and checksums.",
    )
    inventory.add_argument("hosts", metavar="HOST", nargs="*", help="only these hosts")
    inventory.add_argument("--dir", type=Path, help="where to write it [the lab's directory below .cache]")
    inventory.add_argument("--no-nodes", dest="nodes", action="store_false", help="leave ETCD_NODES out")
    inventory.add_argument("--names", action="store_true", help="call hosts by their names, not by their addresses")
    inventory.add_argument("--ipv6", action="store_true", help="use the IPv6 addresses of the hosts")
    inventory.add_argument("--json", action="store_true", help="print Molecule's instance configuration instead")
    address = commands.on_host("address", verbs.address, "print the address of a host")
    address.add_argument("--ipv6", action="store_true", help="the IPv6 address")
    execute = commands.on_host("exec", verbs.execute, "run a command on a host, as root and without ssh")
    execute.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER)
    within = commands.add(
        "within",
        verbs.within,
        "run a command where the hosts can be reached",
        "Of use with podman as an ordinary user only: other commands, Ansible's too, do not reach its networks.",
    )
    within.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER)


def _add_faults(commands: Commands) -> None:
    commands.on_hosts("kill", verbs.on_hosts(faults.kill), "power off, without a word to anybody")
    commands.on_hosts("start", verbs.on_hosts(hosts.start), "switch on, and wait until booted")
    commands.on_hosts("reboot", verbs.on_hosts(hosts.reboot), "reboot, and wait until booted")
    commands.on_hosts("pause", verbs.on_hosts(faults.pause), "let hosts hang: connections stay, nobody answers")
    commands.on_hosts("unpause", verbs.on_hosts(faults.unpause), "let hosts go on")
    commands.on_hosts(
        "cut",
        verbs.on_hosts(links.cut),
        "cut hosts off from the others",
        "They still reach each other, and this machine still reaches all. Replaces an earlier cut.",
    )
    block = commands.on_hosts(
        "block",
        verbs.block,
        "drop new TCP connections from hosts to others",
        "Established ones live, and so do those that the others open. Adds to earlier blocks.",
    )
    block.add_argument("--to", metavar="HOST", nargs="+", required=True, help="to which hosts")
    block.add_argument("--port", metavar="N", type=int, default=0, help="only to this port [all]")
    commands.add("unblock", verbs.unblock, "let all hosts open connections again")
    commands.add("heal", verbs.heal, "end the cut and all blocks")
    fill = commands.on_host("fill", verbs.on_disk(faults.fill), "fill the data disk of a host to the last byte")
    drain = commands.on_host("drain", verbs.on_disk(faults.drain), "give back what filled the disk")
    for disk in (fill, drain):
        disk.add_argument("--path", default=hosts.DATA, help="a directory on that disk [%(default)s]")
    slow = commands.on_host("slow", verbs.slow, "slow the disk of a host down")
    slow.add_argument("--writes", metavar="N", type=int, default=20, help="writes a second [%(default)s]")
    commands.on_host("fast", verbs.slow, "give a host its whole disk back").set_defaults(writes=0)


def _add_releases(commands: Commands) -> None:
    make = commands.add(
        "releases",
        verbs.make_releases,
        "bring etcd releases into the cache, and print the paths of their archives",
        "The official archive where it can be downloaded, else built from etcd's Go modules, or from Debian's package.",
    )
    make.add_argument("versions", metavar="VERSION", nargs="*", help=f"[{' '.join(releases.VERSIONS)}]")
    packed = commands.add(
        "images",
        verbs.make_images,
        "bring container images of releases into the cache, and print their IDs",
        "They are archives that podman and Docker load.",
    )
    packed.add_argument("versions", metavar="VERSION", nargs="*", help=f"[{releases.VERSIONS[0]}]")
    serve = commands.add("serve", verbs.serve, "serve the cached releases by HTTP", "`up` does so in the background.")
    serve.add_argument("address", metavar="ADDRESS")
    serve.add_argument("port", metavar="PORT", type=int, nargs="?", default=0, help="[any free one]")


def _add_writer(commands: Commands) -> None:
    writer = commands.add(
        "writer",
        verbs.write,
        "write without pause and record each acknowledged write, or verify that none is lost",
        "`verify` ends with 1 if one is.",
    )
    writer.add_argument("act", choices=("run", "verify"), nargs="?", default="run", help="[%(default)s]")
    writer.add_argument("--endpoints", metavar="URL,URL", required=True, help="client URLs of the members")
    writer.add_argument("--record", metavar="FILE", type=Path, required=True, help="made by run, read by verify")
    writer.add_argument("--cacert", metavar="FILE", help="CA of the members' certificates")
    writer.add_argument("--cert", metavar="FILE", help="client certificate")
    writer.add_argument("--key", metavar="FILE", help="its key")
    writer.add_argument("--up-to", metavar="REVISION", type=int, help="verify only what was acknowledged up to there")
    end = writer.add_mutually_exclusive_group()
    end.add_argument("--seconds", metavar="N", type=float, default=10.0, help="how long to write [%(default)g]")
    end.add_argument("--until-file", metavar="FILE", type=Path, help="write until this file exists")
