# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a certificate names, as OpenSSL and etcd read it."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._formats.certificate import common_name


def made(directory, subject):
    key, path = directory / "key.pem", directory / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]
    subprocess.run(
        [*command, "-subj", subject, "-keyout", key, "-out", path, "-days", "1"], check=True, capture_output=True
    )
    return path.read_text()


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("/CN=root", "root"),
        ("/O=etcd/CN=app.example.com/OU=x", "app.example.com"),
        ("/CN=first/CN=last", "last"),
        ("/CN=ü€", "ü€"),
        ("/O=etcd", ""),
        ("/CN=" + "n" * 64 + "/O=" + "o" * 60 + "/OU=" + "u" * 60, "n" * 64),
    ],
)
def test_the_last_common_name_of_the_first_certificate_counts(tmp_path, subject, name):
    assert common_name(made(tmp_path, subject) + made(tmp_path, "/CN=another")) == name


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_bad_input(text):
    with pytest.raises(BadInput):
        common_name(text)


def test_a_certificate_that_is_cut_short_is_bad_input(tmp_path):
    lines = made(tmp_path, "/CN=root").splitlines()
    with pytest.raises(BadInput):
        common_name("\n".join([lines[0], lines[1], lines[-1]]))
