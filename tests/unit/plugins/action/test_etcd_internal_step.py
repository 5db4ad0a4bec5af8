# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each step of a plan is one call of a module on its host, with all that the controller has for it."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_ca import ActionModule as EtcdCa
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_step import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from ansible_collections.quorum.etcd.plugins.module_utils._model import act_kinds, acts, expected_members
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.destroy_acts import (
    ArchiveForGood,
    RemoveMarker,
    StopForGood,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.downgrade_acts import AwaitEnd, Cancel, Enable
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_acts import (
    Drain,
    EndMaintenance,
    RunTasks,
    Undrain,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    KEPT,
    LEAVING,
    NEVER_STARTED,
    OFFERED,
    REMOVED,
    STARTED,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.reclaim_acts import Compact, Defragment, Disarm
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_acts import GoOnAlone
from ansible_collections.quorum.etcd.plugins.plugin_utils import _calls
from inventory_of import (
    CLUSTER_ID,
    LAYOUT,
    TOKEN,
    VERSION,
    bare,
    initial_cluster,
    logged,
    marked,
    member_id,
    observation,
    of_instance,
    saying,
    seeing,
    serving,
    stopped,
)
from pki_task import run as run_pki
from role_task import Task

DUE = {leaf: ["it is missing."] for leaf in ("etcd", "peer", "admin")}
ENDPOINTS = ["http://10.0.0.2:2379"]
MEMBERS = expected_members.describe([ClusterMember("8e9e", "", ["http://10.0.0.1:2380"])])
SOURCE = {"url": "https://example.com", "archive_dir": "", "checksums": {}, "checksums_from_mirror": False}


@pytest.fixture
def pki(tmp_path):
    directory = str(tmp_path / "pki")
    run_pki(EtcdCa, pki_dir=directory, name="etcd_cluster")
    return {
        "directory": directory,
        "passphrase": "",
        "key_type": "ec",
        "key_size": 0,
        "days": 1095,
        "renew_before_days": 30,
    }


@pytest.fixture
def done(pki):
    def done(act, host, check=False, **given):
        """The result, and the module that was run on the host with its options."""
        task = Task(ActionModule, check=check, answer={"changed": True, "diff": []})
        step = {"announce": "step 4 of 15: something", **act.to_dict()}
        given = {"source": SOURCE, **of_instance(host), "observation": observation(host), **given}
        result = task.run({}, step=step, pki=pki, **given)
        assert task.printed == ["step 4 of 15: something"]
        assert len(task.sent) <= 1
        return result, *(task.sent[0] if task.sent else ("", {}))

    return done


def test_each_kind_of_act_has_one_way_to_be_done():
    """The controller makes CAs and asks name servers, and the operator's tasks are included, by no module."""
    on_controller = {acts.MakeAuthorities, acts.CompareRecords, RunTasks}
    assert set(act_kinds.KINDS.values()) - set(_calls.HANDLERS) == on_controller
    assert set(_calls.HANDLERS) <= set(act_kinds.KINDS.values())


@pytest.mark.parametrize("check", [True, False])
def test_authorities_that_are_missing_are_made_on_the_controller(tmp_path, done, pki, check):
    place = tmp_path / "new"
    pki["directory"] = str(place)
    result, module, _sent = done(acts.MakeAuthorities(), bare(tls=True), check)
    assert (result["changed"], module) == (True, "")
    assert place.exists() is not check
    if not check:
        assert done(acts.MakeAuthorities(), bare(tls=True))[0]["changed"] is False


@pytest.mark.parametrize("act", act_kinds.KINDS.values(), ids=act_kinds.KINDS)
def test_an_act_is_read_as_it_was_written(act):
    made = act(**{one.name: f"a {one.name}" for one in fields(act)})
    assert act_kinds.read(made.to_dict()) == made


@pytest.mark.parametrize("told", [{}, {"kind": "dance"}, {"kind": "install", "version": "3.6.14"}])
def test_what_is_no_act_of_this_release_is_refused(told):
    with pytest.raises(Exception, match="no step of a plan of this release"):
        act_kinds.read(told)


class TestInstalling:
    ACT = acts.Install(VERSION, f"etcd-v{VERSION}-linux-amd64.tar.gz")

    def test_downloads_where_no_directory_of_archives_is_named(self, done):
        _result, module, sent = done(self.ACT, bare())
        assert (module, sent["version"], sent["install_dir"]) == (
            "quorum.etcd.etcd_install",
            VERSION,
            LAYOUT.install_dir,
        )
        assert "archive" not in sent

    def test_names_an_archive_that_is_not_there(self, done):
        result, _module, sent = done(self.ACT, bare(), source={**SOURCE, "archive_dir": "/nowhere"})
        assert result["failed"]
        assert f"/nowhere/{self.ACT.archive} is no file on the controller." in result["msg"]
        assert sent == {}

    def test_out_of_packages_names_the_one_that_the_plan_has_chosen(self, done):
        packaged = replace(LAYOUT, install_method="package")
        act = acts.Install("3.4.23", "3.4.23-4+b4")
        _result, module, sent = done(act, bare(layout=packaged))
        assert (module, sent["revision"], sent["packages"]) == ("quorum.etcd.etcd_install", "3.4.23-4+b4", [])
        shelf = {**SOURCE, "archive_dir": "/nowhere"}
        result, _module, _sent = done(act, bare(layout=packaged), source=shelf)
        assert "/nowhere/etcd-server_3.4.23-4+b4_amd64.deb is no file on the controller." in result["msg"]

    def test_knows_the_checksums_that_were_written_down_beside_the_archives(self, done, tmp_path):
        (tmp_path / "SHA256SUMS").write_text(f"# Verified by quorum.etcd\n{'a' * 64}  one\n{'b' * 64}  two\n")
        source = {**SOURCE, "archive_dir": str(tmp_path), "checksums": {"two": "c" * 64}}
        _result, _module, sent = done(self.ACT, bare(), check=True, source=source)
        assert sent["checksums"] == {"one": "a" * 64, "two": "c" * 64}


class TestAMemberThatIsStarted:
    @pytest.mark.parametrize("act, state", [(acts.Start(), "started"), (acts.Await(), "ready")])
    def test_is_known_by_its_layout(self, done, act, state):
        _result, module, sent = done(act, bare())
        assert (module, sent["state"], sent["data_dir"]) == ("quorum.etcd.etcd_service", state, LAYOUT.data_dir)

    def test_has_the_time_that_the_inventory_gives_it(self, done):
        assert done(acts.Await(), bare(), start_timeout=600)[2]["timeout"] == 600


class TestAMachineThatIsGone:
    ACT = acts.Forget(endpoints=ENDPOINTS, members=MEMBERS, member_id="8e9e", confirmed=True)

    def test_is_removed_only_if_it_is_silent(self, done):
        _result, module, sent = done(self.ACT, serving(bare()))
        assert (module, sent["state"], sent["only_if_silent"]) == ("quorum.etcd.etcd_member", "absent", True)
        assert (sent["member_id"], sent["ignore_unidentified"], sent["members"]) == ("8e9e", True, MEMBERS)
        assert not {"ca_path", "peer_ca_path", "user_file"} & set(sent)

    def test_is_asked_for_with_the_certificates_of_a_member(self, done):
        sent = done(self.ACT, serving(bare(tls=True)))[2]
        assert (sent["ca_path"], sent["peer_key"]) == (LAYOUT.certificate("ca"), LAYOUT.certificate("peer-key"))


def test_a_host_reaches_the_others_under_its_own_names(done):
    peers = [{"name": "etcd-host1", "urls": ["http://10.0.0.2:2380"]}]
    _result, module, sent = done(acts.Prove(peers, TOKEN), bare())
    assert (module, sent["peers"], sent["token"], sent["instance"]) == (
        "quorum.etcd.etcd_internal_prove",
        peers,
        TOKEN,
        "etcd",
    )


def test_a_host_leaves_as_the_plan_foresaw(done):
    act = acts.Leave(member_id="8e9e", endpoints=ENDPOINTS, members=MEMBERS, nonce="0123456789abcdef")
    _result, module, sent = done(act, serving(bare()))
    assert (module, sent["name"], sent["member_id"]) == ("quorum.etcd.etcd_internal_leave", "etcd-host0", "8e9e")
    assert (sent["endpoints"], sent["members"], sent["nonce"]) == (ENDPOINTS, MEMBERS, "0123456789abcdef")


def test_disks_are_accepted_without_a_file_being_written(done):
    host = stopped(bare())
    sent = done(acts.Accept(), host)[2]
    assert (sent["files"], sent["expected"], sent["wanted"]) == ([], host.marker.to_dict(), host.marker.to_dict())


@pytest.fixture
def configure(done):
    def configure(host, check=False, keeps_data=False):
        act = acts.Configure(VERSION, initial_cluster(tls=host.wanted.tls), TOKEN)
        return done(acts.Configure(VERSION, keeps_data=True) if keeps_data else act, host, check)

    return configure


def files_of(sent):
    return {file["path"]: file for file in sent["files"]}


def test_all_files_of_a_member_go_in_one_call(configure):
    result, module, sent = configure(bare())
    assert result["changed"]
    assert module == "quorum.etcd.etcd_internal_files"
    assert set(files_of(sent)) == {
        LAYOUT.snapshot_config,
        LAYOUT.snapshot_program,
        LAYOUT.snapshot_unit_file,
        LAYOUT.conf_file,
        LAYOUT.unit_file,
        LAYOUT.gate_file,
        LAYOUT.link("etcdctl"),
    }
    assert f'ETCD_INITIAL_CLUSTER_TOKEN="{TOKEN}"' in sent["first_start"]


def test_a_bare_host_offers_itself(configure):
    sent = configure(bare())[2]
    assert sent["expected"] is None
    assert (sent["wanted"]["state"], sent["wanted"]["token"]) == (OFFERED, TOKEN)
    assert sent["wanted"]["initial_cluster"] == initial_cluster()
    assert sent["listen"] == ["http://10.0.0.1:2380", "http://10.0.0.1:2379", "http://127.0.0.1:2379"]


@pytest.mark.parametrize("state", [OFFERED, NEVER_STARTED])
def test_a_marker_keeps_its_state_and_gets_the_one_token(configure, state):
    host = marked(bare(), state, token="another")
    sent = configure(host)[2]
    assert sent["expected"] == host.marker.to_dict()
    assert (sent["wanted"]["state"], sent["wanted"]["token"]) == (state, TOKEN)


def test_a_host_that_left_another_cluster_offers_itself(configure):
    host = marked(bare(), REMOVED, cluster="other", member_id="abc", token="theirs")
    sent = configure(host)[2]
    assert sent["expected"] == host.marker.to_dict()
    wanted = sent["wanted"]
    assert (wanted["state"], wanted["cluster"], wanted["token"]) == (OFFERED, "etcd_cluster", TOKEN)
    assert wanted["member_id"] == ""


@pytest.mark.parametrize("host", [logged(bare()), seeing(stopped(bare()), marker={"state": LEAVING})])
def test_a_host_with_the_data_of_a_member_gets_a_marker_that_says_so(configure, host):
    """And no settings of a first start: it must never make another."""
    _result, _module, sent = configure(host, keeps_data=True)
    wanted = sent["wanted"]
    assert (wanted["state"], wanted["origin"], wanted["token"]) == (STARTED, KEPT, "")
    assert (wanted["member_id"], wanted["cluster_id"]) == (member_id(0), CLUSTER_ID)
    assert "first_start" not in sent
    assert "listen" not in sent


class TestCertificates:
    def test_that_are_due_are_issued_and_sent_with_their_keys(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        sent = configure(host)[2]
        assert set(sent["certificates"]) == set(sent["private_keys"]) == set(DUE)
        assert all("PRIVATE KEY" in key for key in sent["private_keys"].values())

    def test_no_key_is_among_the_files_that_are_shown(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        assert not [path for path, file in files_of(configure(host)[2]).items() if "PRIVATE KEY" in file["content"]]

    def test_the_keys_of_authorities_travel_nowhere(self, configure, pki):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        sent = str(configure(host)[2])
        for which in ("client", "peer"):
            with open(f"{pki['directory']}/{which}-ca-key.pem") as stream:
                assert stream.read().splitlines()[1] not in sent

    def test_that_are_good_stay(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew={"peer": ["it is missing."]}))
        assert set(configure(host)[2]["certificates"]) == {"peer"}

    def test_each_authority_is_trusted_in_its_own_place(self, configure, pki):
        found = files_of(configure(bare(tls=True))[2])
        for bundle, which in (("ca", "client"), ("peer-ca", "peer")):
            with open(f"{pki['directory']}/{which}-ca.pem") as stream:
                assert found[LAYOUT.certificate(bundle)]["content"] == stream.read()

    def test_are_not_made_in_check_mode(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        assert configure(host, check=True)[2]["certificates"] == {}

    def test_without_an_authority_are_a_clear_error(self, configure, pki):
        pki["directory"] += "/gone"
        host = replace(bare(tls=True), authorities=Authorities(pki["directory"], renew=DUE))
        result, _module, sent = configure(host)
        assert result["failed"]
        assert "CA" in result["msg"]
        assert sent == {}


@pytest.fixture
def updated(done):
    def updated(host, check=False, start_timeout=120, **told):
        act = acts.Update(version=VERSION, endpoints=ENDPOINTS, from_version="3.6.13", **told)
        result, module, sent = done(act, host, check, start_timeout=start_timeout)
        assert module in ("", "quorum.etcd.etcd_internal_update")
        return result, sent

    return updated


def test_all_of_an_update_goes_in_one_call(updated):
    host = serving(bare())
    result, sent = updated(host, restart=True, peer_urls=["http://10.0.0.9:2380"], members=[], start_timeout=60)
    assert result["changed"]
    assert {LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file} <= {file["path"] for file in sent["files"]}
    assert (sent["restart"], sent["peer_urls"]) == (True, ["http://10.0.0.9:2380"])
    assert (sent["endpoints"], sent["members"], sent["timeout"]) == (ENDPOINTS, [], 60)
    assert sent["from_version"] == "3.6.13"
    assert (sent["expected"], sent["name"]) == (host.marker.to_dict(), "etcd-host0")
    assert sent["data_dir"] == LAYOUT.data_dir


def test_the_host_is_told_with_what_its_member_is_to_run(updated):
    host = serving(bare(etcd_settings={"heartbeat-interval": 150, "election-timeout": 1500}))
    sent = updated(host)[1]
    assert sent["environment"] == env_file.environment(render.flags(host.wanted, VERSION))
    assert sent["environment"]["ETCD_HEARTBEAT_INTERVAL"] == "150"


def test_the_first_starts_settings_are_none_of_its_business(updated):
    assert "first_start" not in updated(serving(bare()))[1]


def test_certificates_that_are_due_are_issued(updated):
    host = replace(serving(bare(tls=True)), authorities=Authorities("/pki", renew={"peer": ["it ends soon."]}))
    assert set(updated(host)[1]["certificates"]) == set(updated(host)[1]["private_keys"]) == {"peer"}
    assert updated(host, check=True)[1]["certificates"] == {}


def misconfigured():
    return replace(serving(bare()), wanted=bare(etcd_settings={"no-such-setting": 1}).wanted)


def test_rolling_back_needs_nothing_rendered(done):
    members = [{"id": "1", "peer_urls": ["http://10.0.0.1:2380"], "is_learner": False}]
    sent = done(acts.RollBack(endpoints=ENDPOINTS, members=members), misconfigured())[2]
    assert (sent["state"], sent["files"], sent["endpoints"]) == ("undone", [], ENDPOINTS)
    assert sent["members"] == members
    assert sent["data_dir"] == LAYOUT.data_dir


def test_a_setting_that_cannot_be_is_refused_before_anything_is_sent(updated):
    result, sent = updated(misconfigured())
    assert result["failed"]
    assert "no-such-setting" in result["msg"]
    assert sent == {}


def test_a_host_without_a_marker_is_not_updated(updated):
    result, sent = updated(bare())
    assert result["failed"]
    assert "This host has no marker." in result["msg"]
    assert sent == {}


def test_certificates_that_were_just_issued_are_not_issued_again(updated):
    host = replace(serving(bare(tls=True)), authorities=Authorities("/pki", renew={"peer": ["it ends soon."]}))
    assert updated(host, certificates="kept")[1]["certificates"] == {}
    alone = updated(host, certificates="only")[1]
    assert (set(alone["certificates"]), alone["files"], alone["links"]) == ({"peer"}, [], {})


def test_a_member_that_made_its_certificates_itself_shows_the_others_without_a_restart(updated):
    """Its own tools have the administrator's by then, for the first member that demands one."""
    runs = {"ETCD_AUTO_TLS": "true", "ETCD_PEER_AUTO_TLS": "true"}
    host = seeing(serving(bare(tls=True)), runtime={"environment": runs})
    host = replace(host, authorities=Authorities("/pki", renew={"peer": ["it is missing."]}))
    alone = updated(host, certificates="only")[1]
    assert alone["files"] == []
    assert alone["links"]["/var/lib/etcd/fixtures/peer/key.pem"] == "/etc/etcd/ssl/current/peer-key.pem"
    assert alone["links"]["/etc/etcd/ssl/admin.pem"] == "current/admin.pem"


def test_an_outage_is_allowed_by_the_inventory_alone(updated):
    assert updated(serving(bare()))[1]["allow_outage"] is False
    assert updated(saying(serving(bare()), allow_outage=True))[1]["allow_outage"] is True


@pytest.fixture
def join(done):
    def join(host):
        return done(acts.Join(version=VERSION, endpoints=ENDPOINTS, members=MEMBERS), host)

    return join


def test_a_new_member_is_sent_all_that_it_needs_in_one_call(join):
    result, module, arguments = join(bare(3))
    assert result["changed"]
    assert module == "quorum.etcd.etcd_internal_join"
    assert {file["path"] for file in arguments["files"]} >= {LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file}
    assert (arguments["cluster"], arguments["name"]) == ("etcd_cluster", "etcd-host3")
    assert arguments["peer_urls"] == ["http://10.0.0.4:2380"]
    assert (arguments["endpoints"], arguments["members"]) == (ENDPOINTS, MEMBERS)


def test_the_settings_of_a_first_start_are_made_where_the_members_are_known(join):
    _result, _module, sent = join(bare(3))
    assert "first_start" not in sent


def test_nothing_is_sent_where_a_file_cannot_be_rendered(join):
    result, _module, sent = join(bare(3, etcd_settings={"no-such-setting": 1}))
    assert result["failed"]
    assert "no-such-setting" in result["msg"]
    assert sent == {}


class TestAMemberThatGoesOnAlone:
    ACT = GoOnAlone(VERSION, term=4, index=77)

    def test_is_sent_all_that_it_needs_in_one_call(self, done):
        _result, module, sent = done(self.ACT, stopped(bare()))
        assert module == "quorum.etcd.etcd_internal_recovery"
        assert {file["path"] for file in sent["files"]} >= {LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file}
        assert (sent["name"], sent["peer_urls"]) == ("etcd-host0", ["http://10.0.0.1:2380"])
        assert sent["binary"] == f"/opt/etcd/etcd-v{VERSION}-linux-amd64/etcd"
        assert (sent["term"], sent["index"]) == (4, 77)

    def test_has_the_flag_that_gives_up_all_others_in_no_file(self, done):
        for file in done(self.ACT, stopped(bare()))[2]["files"]:
            # The gate looks for it, to keep such a member down.
            if not file["path"].endswith("/gate"):
                assert "force-new-cluster" not in file["content"].lower().replace("_", "-")


class TestAStepForWhichNoHostWasObserved:
    """A cluster is destroyed, or its space is reclaimed, whatever else is wrong with a host."""

    @pytest.fixture
    def asked(self):
        def asked(act, answer=None, **given):
            task = Task(ActionModule, answer=answer or {"changed": True})
            task.run({}, step={"announce": "", **act.to_dict()}, **{**of_instance(bare(0, tls=True)), **given})
            ((module, sent),) = task.sent
            return module.rpartition(".")[2], sent, task.printed

        return asked

    @pytest.mark.parametrize("act", [StopForGood(), ArchiveForGood(), RemoveMarker()], ids=lambda act: act.kind)
    def test_destroys_by_layout_and_name_alone(self, asked, act):
        module, sent, _printed = asked(act)
        assert module == "etcd_internal_destroy"
        assert (sent["state"], sent["cluster"], sent["data_dir"]) == (act.state, "etcd_cluster", LAYOUT.data_dir)

    def test_compacts_with_the_administrators_certificate(self, asked):
        module, sent, printed = asked(Compact(ENDPOINTS, 7), {"current_revision": 20, "oldest_revision": 13})
        assert (module, sent["endpoints"], sent["keep_revisions"]) == ("etcd_compaction", ENDPOINTS, 7)
        assert (sent["physical"], sent["client_cert"]) == (True, "/etc/etcd/ssl/admin.pem")
        assert printed == ["etcd_cluster: of 20 revisions those from 13 on are kept"]

    def test_defragments_the_member_of_its_host(self, asked):
        module, sent, _printed = asked(Defragment(allow_outage=True), start_timeout=30.0)
        assert (module, sent["allow_outage"], sent["start_timeout"]) == ("etcd_defrag", True, 30.0)
        assert sent["conf_dir"] == LAYOUT.conf_dir

    @pytest.mark.parametrize(
        "act, options",
        [
            (Enable("3.6", ENDPOINTS), {"state": "enabled", "target": "3.6"}),
            (Cancel(ENDPOINTS), {"state": "cancelled"}),
            (AwaitEnd(ENDPOINTS), {"state": "ended"}),
        ],
        ids=lambda value: getattr(value, "kind", ""),
    )
    def test_asks_etcd_to_go_back_with_the_administrators_certificate(self, asked, act, options):
        module, sent, _printed = asked(act)
        assert module == "etcd_downgrade"
        assert (sent["endpoints"], sent["client_cert"]) == (ENDPOINTS, "/etc/etcd/ssl/admin.pem")
        assert options.items() <= sent.items()

    def test_disarms_the_alarm_of_full_databases_only(self, asked):
        module, sent, _printed = asked(Disarm(ENDPOINTS))
        assert (module, sent["state"], sent["alarm"]) == ("etcd_alarm", "disarmed", "NOSPACE")


class TestMaintenance:
    OWNER = ("root@admin", "100 started 1 on admin")

    def test_drains_and_brings_back_by_one_module_with_what_the_plan_knows(self, done):
        drain = Drain(nonce="n", endpoints=ENDPOINTS, members=MEMBERS, owner=self.OWNER, lasts=60, machine=["8e9e"])
        _result, module, sent = done(drain, serving(bare()))
        assert module == "quorum.etcd.etcd_internal_maintenance"
        assert {name: sent[name] for name in ("state", "owner", "lasts", "machine", "members", "nonce")} == {
            "state": "drained",
            "owner": self.OWNER,
            "lasts": 60,
            "machine": ["8e9e"],
            "members": MEMBERS,
            "nonce": "n",
        }
        _result, _module, sent = done(Undrain(endpoints=ENDPOINTS, owner=self.OWNER, goes_on=True), serving(bare()))
        assert (sent["state"], sent["goes_on"]) == ("undrained", True)
        _result, _module, sent = done(EndMaintenance(self.OWNER, ENDPOINTS), serving(bare()))
        assert (sent["state"], sent["endpoints"]) == ("ended", ENDPOINTS)

    def test_leaves_the_operators_tasks_to_the_role(self, done):
        result, module, _sent = done(RunTasks("/tasks.yml"), serving(bare()))
        assert (result["changed"], module) == (False, "")
