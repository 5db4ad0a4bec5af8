# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user and his password in a file."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import user_file


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "user"
    path.touch(0o600)
    return path


@pytest.mark.parametrize("text", ["root:se:cret", "root:se:cret\n", "root:se:cret\nwhatever\n"])
def test_the_first_line_names_both(file, text):
    file.write_text(text)
    assert user_file.read(str(file)) == ("root", "se:cret")


def test_a_password_may_be_empty(file):
    file.write_text("root:\n")
    assert user_file.read(str(file)) == ("root", "")


@pytest.mark.parametrize("text", ["", "root", ":secret", "\nroot:secret"])
def test_anything_else_is_refused_and_not_repeated(file, text):
    file.write_text(text)
    with pytest.raises(HostError, match="does not hold NAME:PASSWORD") as caught:
        user_file.read(str(file))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_password_that_others_may_read_is_none(file, mode):
    file.write_text("root:secret")
    file.chmod(mode)
    with pytest.raises(Refused, match=f"chmod 0600 {file}"):
        user_file.read(str(file))


def test_what_cannot_be_read_is_named(file):
    with pytest.raises(HostError, match="nobody .*cannot be read: No such file"):
        user_file.read(f"{file} nobody ")
    file.write_bytes(b"root:\xff")
    with pytest.raises(HostError, match="cannot be read: it is no text"):
        user_file.read(str(file))
