# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a playground is: ports, commands, its marker, and when it must not start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import playground as model
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Request, State

HOME = "/home/op/.etcd-playground"
PLAIN = Request(HOME).new("ab" * 16, "x86_64", "Linux")
TLS = replace(PLAIN, tls=True)


def flags(command):
    return dict(word[2:].partition("=")[::2] for word in command[1:])


def test_it_has_the_ports_of_the_guides():
    assert [member.ports for member in PLAIN.members] == [(12379, 12380), (22379, 22380), (32379, 32380)]
    assert PLAIN.endpoints == [f"http://127.0.0.1:{port}" for port in (12379, 22379, 32379)]


@pytest.mark.parametrize("port", [1024, 12379, 45534])
def test_other_ports_can_be_chosen_where_all_six_are_ports(port):
    chosen = Request(HOME, port=port).new("ab", "x86_64", "Linux")
    assert max(port for member in chosen.members for port in member.ports) <= 65535


@pytest.mark.parametrize("port", [-1, 0, 80, 1023, 45535, 70000])
def test_ports_that_a_user_cannot_have_are_refused(port):
    with pytest.raises(BadInput, match=f"etcd_playground_port is {port}"):
        Request(HOME, port=port).new("ab", "x86_64", "Linux")


def test_a_member_is_told_of_the_others_at_its_first_start_only():
    first, later = (PLAIN.command_line(PLAIN.members[1], is_new) for is_new in (True, False))
    assert first[0] == later[0] == f"{HOME}/etcd-v{releases.DEFAULT_VERSION}-linux-amd64/etcd"
    assert flags(first)["initial-cluster"] == (
        "etcd0=http://127.0.0.1:12380,etcd1=http://127.0.0.1:22380,etcd2=http://127.0.0.1:32380"
    )
    assert flags(first)["initial-cluster-state"] == "new"
    assert PLAIN.id in flags(first)["initial-cluster-token"]
    assert flags(later)["initial-cluster-state"] == "existing"
    assert not {"initial-cluster", "initial-cluster-token"} & set(flags(later))


@pytest.mark.parametrize("playground", [PLAIN, TLS])
def test_members_listen_on_loopback_only(playground):
    for member in playground.members:
        given = flags(playground.command_line(member, True))
        urls = [value for name, value in given.items() if name.startswith(("listen-", "advertise-"))]
        assert len(urls) == 3
        assert all(f"{'https' if playground.tls else 'http'}://127.0.0.1:" in url for url in urls)


def test_with_tls_both_sides_show_certificates():
    given = flags(TLS.command_line(TLS.members[0], True))
    assert (given["client-cert-auth"], given["peer-client-cert-auth"]) == ("true", "true")
    files = {value for name, value in given.items() if name.endswith("-file")}
    assert files < set(TLS.certificate_files)
    assert {TLS.environment[f"ETCDCTL_{name}"] for name in ("CACERT", "CERT", "KEY")} < set(TLS.certificate_files)
    assert PLAIN.certificate_files == []


def test_its_marker_is_read_as_it_was_written():
    assert model.parse(HOME, model.render(TLS.leaving())) == TLS.leaving()
    assert HOME not in model.render(TLS)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 2, "id": "a"}', '{"format": 1, "id": ""}', "3"])
def test_anything_else_is_no_marker(text):
    assert model.parse(HOME, text) is None


def test_a_marker_of_a_later_release_is_none():
    assert model.parse(HOME, model.render(PLAIN).replace('"tls"', '"tlss"')) is None


@pytest.mark.parametrize(
    "asked",
    [
        Request(HOME),
        Request(HOME, version=f"v{releases.DEFAULT_VERSION}"),
        Request(HOME, releases.DEFAULT_VERSION, 12379, False),
    ],
)
def test_what_is_not_asked_for_stays_as_it_is(asked):
    assert asked.is_met_by(PLAIN)
    asked.check(PLAIN, HOME)


@pytest.mark.parametrize(
    "asked, said, remade",
    [
        (Request(HOME, version="3.5.33"), "etcd 3.6.14, and 3.5.33 is asked for", " -e etcd_version=3.5.33"),
        (Request(HOME, port=12479), "port 12379, and 12479 is", " -e etcd_playground_port=12479"),
        (Request(HOME, tls=True), "TLS False, and True is", " -e etcd_playground_tls=true"),
    ],
)
def test_other_settings_need_it_remade(asked, said, remade):
    assert not asked.is_met_by(PLAIN)
    with pytest.raises(Refused) as caught:
        asked.check(PLAIN, HOME)
    assert said in caught.value.found
    assert caught.value.remedy.endswith(
        "ansible-playbook quorum.etcd.local -e etcd_playground=absent && ansible-playbook quorum.etcd.local" + remade
    )


def test_a_command_names_what_is_not_usual():
    assert model.command(PLAIN, HOME) == "ansible-playbook quorum.etcd.local"
    other = replace(TLS, place="/srv/x", port=13000)
    assert model.command(other, HOME) == (
        "ansible-playbook quorum.etcd.local -e etcd_playground_dir=/srv/x -e etcd_playground_port=13000 "
        "-e etcd_playground_tls=true"
    )
    assert model.command(other, HOME, "absent") == (
        "ansible-playbook quorum.etcd.local -e etcd_playground=absent -e etcd_playground_dir=/srv/x"
    )


def states(*seen):
    return [
        State(member, has_log=log, is_new=new, was_started=started)
        for member, (log, new, started) in zip(PLAIN.members, seen)
    ]


#: Log, never seen to serve, was started.
KEPT, FRESH, BEGUN = (True, False, True), (False, True, False), (True, True, True)
ENDED, LOST = (False, True, True), (False, False, True)


@pytest.mark.parametrize(
    "seen",
    [(KEPT, KEPT, KEPT), (FRESH, FRESH, FRESH), (BEGUN, BEGUN, FRESH), (KEPT, BEGUN, FRESH), (ENDED, ENDED, FRESH)],
)
def test_a_member_may_start_with_its_data_or_for_the_first_time(seen):
    model.check_data(PLAIN, states(*seen), HOME)


@pytest.mark.parametrize("seen", [(KEPT, LOST, KEPT), (FRESH, LOST, BEGUN), (LOST, LOST, LOST), (BEGUN, ENDED, BEGUN)])
def test_no_member_starts_once_the_data_of_one_are_gone(seen):
    with pytest.raises(Refused) as caught:
        model.check_data(PLAIN, states(*seen), HOME)
    lost = ", ".join(member.name for member, one in zip(PLAIN.members, seen) if one in (LOST, ENDED))
    assert caught.value.found == f"The data of {lost} are missing in {HOME}, and it was started before."
    assert "etcd_playground=absent && ansible-playbook" in caught.value.remedy


def test_a_member_that_runs_may_be_about_to_make_its_log():
    seen = states(BEGUN, ENDED, FRESH)
    seen[1] = replace(seen[1], pid=7)
    model.check_data(PLAIN, seen, HOME)


def test_a_process_that_was_not_started_for_it_is_named():
    seen = states(KEPT, KEPT, KEPT)
    model.check_users(PLAIN, seen)
    seen[1] = replace(seen[1], user="/opt/etcd (PID 7)")
    with pytest.raises(Refused, match=r"^/opt/etcd \(PID 7\) has the data of etcd1 open"):
        model.check_users(PLAIN, seen)


def test_where_ports_end_others_begin_anew():
    assert PLAIN.at_port(45534).port == 45534
    assert PLAIN.at_port(45535).port == 1024
