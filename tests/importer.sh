#!/usr/bin/env bash
# galaxy-importer on a built artefact. It ends well whatever its checks and ansible-lint find: here a warning is a failure.
# usage: importer.sh ENVIRONMENT ARTEFACT
set -euo pipefail

environment=$(realpath "$1")
artefact=$(realpath "$2")
# It leaves files where it stands.
cd "$environment"
export PATH=$environment/bin:$PATH GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP=$environment/tmp
if ! python -m galaxy_importer.main "$artefact" >importer.log 2>&1 || grep -qE '^(WARNING|ERROR|CRITICAL):' importer.log; then
    cat importer.log >&2
    echo "Galaxy would not take $(basename "$artefact") as it is: see the errors and warnings above." >&2
    exit 1
fi
