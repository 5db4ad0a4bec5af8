# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""etcd's C(initial-cluster) notation, C(name=url,name=url), and the ETCD_NODES of guides, which is written in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import parse_url, parse_urls, texts


def read(text: str, what: str = "initial-cluster") -> dict[str, list[str]]:
    """Names and peer URLs from the notation; several URLs for one name are several entries.

    Spaces and line breaks around commas, a comma at the end, and a backslash before a line break are tolerated, as they
    come from copied commands.

    :param what: where the text stands, for the message.
    :raises BadInput: when an entry is no C(name=url), or is there twice.
    """
    found: dict[str, list[str]] = {}
    plain = re.sub(r"\\\s*\n", "", text).strip().strip(",")
    for entry in texts(plain, what):
        name, equals, url = (part.strip() for part in entry.partition("="))
        if not (name and equals):
            raise BadInput(f"{what}: '{entry}' is not of the form NAME=URL, such as etcd1=https://10.0.0.1:2380.")
        urls = found.setdefault(name, [])
        urls.append(str(parse_url(url, f"{what}: {name}")))
        if urls.count(urls[-1]) > 1:
            raise BadInput(f"{what} has '{name}={urls[-1]}' twice. Write it once.")
    return found


def write(nodes: Mapping[str, Iterable[str]]) -> str:
    """The notation of names and their URLs, in their order."""
    return ",".join(f"{name}={url}" for name, urls in nodes.items() for url in urls)


def of_etcd_nodes(value: Any) -> dict[str, list[str]] | None:
    """ETCD_NODES, however it is written: etcd's own text, a list of its entries, or name -> URL or URLs."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        nodes = {str(k): [str(url) for url in parse_urls(v, f"ETCD_NODES: {k}")] for k, v in value.items()}
    else:
        text = value if isinstance(value, str) else ",".join(texts(value, "ETCD_NODES"))
        nodes = read(text, "ETCD_NODES")
    if not nodes:
        raise BadInput("ETCD_NODES is empty. Take it out, or name every member: NODE_NAME=https://ADDRESS:2380,...")
    return nodes
