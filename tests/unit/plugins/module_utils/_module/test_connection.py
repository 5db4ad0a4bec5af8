# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    client_of,
    connection_spec,
    credentials_of,
    endpoints_of,
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINTS", "CACERT", "CERT", "KEY", "USER", "PASSWORD"):
        monkeypatch.delenv(f"ETCDCTL_{name}", raising=False)


def params(**given: Any) -> dict[str, Any]:
    result = ArgumentSpecValidator(connection_spec()).validate(given)
    assert result.error_messages == []
    return dict(result.validated_parameters)


def test_nothing_given_means_this_host_without_tls() -> None:
    assert endpoints_of(params()) == ["http://127.0.0.1:2379"]
    assert params()["timeout"] == 5.0


@pytest.mark.parametrize("option", ["ca_path", "client_cert"])
def test_certificates_mean_https(option: str) -> None:
    assert endpoints_of(params(**{option: "/x.pem"})) == ["https://127.0.0.1:2379"]


def test_etcdctls_variables_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETCDCTL_ENDPOINTS", "https://10.0.0.1:2379,https://10.0.0.2:2379")
    monkeypatch.setenv("ETCDCTL_CACERT", "/ca.pem")
    monkeypatch.setenv("ETCDCTL_CERT", "/cert.pem")
    monkeypatch.setenv("ETCDCTL_KEY", "/key.pem")
    monkeypatch.setenv("ETCDCTL_USER", "root:se:cret")
    found = params()
    assert endpoints_of(found) == ["https://10.0.0.1:2379", "https://10.0.0.2:2379"]
    assert credentials_of(found) == ("/ca.pem", "/cert.pem", "/key.pem", "root", "se:cret")


def test_a_file_names_the_user(tmp_path: Path) -> None:
    user_file = tmp_path / "user"
    user_file.touch(0o600)
    user_file.write_text("root:secret\n")
    assert credentials_of(params(user_file=str(user_file)))[3:] == ("root", "secret")
    with pytest.raises(BadInput, match="username and user_file are both given"):
        credentials_of(params(user_file=str(user_file), username="root"))


def test_options_go_before_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETCDCTL_ENDPOINTS", "https://10.0.0.1:2379")
    monkeypatch.setenv("ETCDCTL_USER", "other:x")
    monkeypatch.setenv("ETCDCTL_PASSWORD", "y")
    found = params(endpoints=["http://10.0.0.9:2379"], username="root", password="secret")
    assert endpoints_of(found) == ["http://10.0.0.9:2379"]
    assert credentials_of(found)[3:] == ("root", "secret")


def test_a_password_of_its_own_goes_before_the_one_in_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETCDCTL_USER", "root:old")
    monkeypatch.setenv("ETCDCTL_PASSWORD", "new")
    assert credentials_of(params())[3:] == ("root", "new")


def test_a_password_inside_of_the_user_is_hidden_from_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETCDCTL_USER", "root:secret")
    assert params()["username"] == "root"
    assert ArgumentSpecValidator(connection_spec()).validate({})._no_log_values == {"secret"}


def test_a_password_without_a_user_is_refused() -> None:
    with pytest.raises(BadInput, match="password is given without username"):
        credentials_of(params(password="x"))


@pytest.mark.parametrize("timeout", [0, -1])
def test_no_time_at_all_is_refused(timeout: float) -> None:
    with pytest.raises(BadInput, match="timeout"):
        client_of(params(timeout=timeout))


def test_the_client_has_what_the_options_say() -> None:
    client = client_of(params(endpoints=["http://10.0.0.1:2379", "10.0.0.2:2379"], timeout=3))
    assert client.endpoints == ["http://10.0.0.1:2379", "10.0.0.2:2379"]
    assert client.timeout == 3.0
