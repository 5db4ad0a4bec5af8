#!/usr/bin/env bash
# A virtual environment of the newest Python within bounds that there is, pyenv's included, and what a file lists.
# usage: venv.sh DIRECTORY REQUIREMENTS LOWEST HIGHEST, as in: venv.sh .cache/venv requirements-test.txt 3.12 3.14
set -euo pipefail

directory=$1
requirements=$2
lowest=$3
highest=$4
for ((minor = ${highest#3.}; minor >= ${lowest#3.}; minor--)); do
    for python in "python3.$minor" python3 "$HOME/.pyenv/versions/3.$minor".*/bin/python3; do
        if "$python" -c "import sys; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null; then
            "$python" -m venv --clear "$directory"
            exec "$directory/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
        fi
    done
done
echo "No Python of $lowest to $highest was found. Install one, then run again." >&2
exit 1
