# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image that hosts are made from: one Containerfile for every Debian and every machine."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from lab.commands import output, succeeds
from lab.engine import Engine

CONTEXT = Path(__file__).parent / "image"
SUITES = {12: "bookworm", 13: "trixie"}


def tag(debian: int, context: Path = CONTEXT) -> str:
    """The image's name. It changes with the files it is built from, so a stale image is never used."""
    digest = hashlib.sha256()
    for path in sorted(context.iterdir()):
        digest.update(path.read_bytes())
    return f"localhost/quorum-host:{SUITES[debian]}-{digest.hexdigest()[:12]}"


def ensure_image(engine: Engine, debian: int) -> str:
    """The name of the image, which is built where it is missing.

    :raises LabError: it cannot be built.
    """
    name = tag(debian)
    if not _exists(engine, name):
        base = _base(engine, SUITES[debian])
        engine.output("build", *engine.build_options(), "--build-arg", f"BASE={base}", "--tag", name, str(CONTEXT))
    return name


def _exists(engine: Engine, name: str) -> bool:
    return succeeds(engine.command("image", "inspect", name))


def _base(engine: Engine, suite: str) -> str:
    """Debian's own image, else one made by mmdebstrap where no container registry can be reached."""
    official, made = f"debian:{suite}", f"localhost/quorum-base:{suite}"
    if _exists(engine, made):
        return made
    if _exists(engine, official) or succeeds(engine.command("pull", official), timeout=120):
        return official
    with tempfile.TemporaryDirectory() as scratch:
        archive = f"{scratch}/{suite}.tar"
        output(["mmdebstrap", "--quiet", "--variant=minbase", suite, archive])
        engine.output("import", archive, made)
    return made
