#!/usr/bin/env bash
# ansible-test sanity on a copy of the checkout, for it wants to stand in ansible_collections/NAMESPACE/NAME.
# usage: sanity.sh DIRECTORY [ansible-test's options]; ansible-test is the first on the PATH.
set -euo pipefail

directory=$1
shift
copy=$directory/ansible_collections/quorum/etcd
rm -rf "$directory/ansible_collections"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard -- galaxy.yml README.md LICENSE CHANGELOG.rst changelogs meta plugins roles \
    playbooks examples docs tests/config.yml | xargs -0 cp --parents --target-directory "$copy"

# ansible-test brings a pip of its own choice into its environments, with a script that it would download: this one needs
# no network but the package index.
export HOME=$directory/home
pip=$(python - <<'EOF'
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

print(get_venv_packages(SimpleNamespace(version="3.13"))["pip"])
EOF
)
mkdir -p "$HOME/.ansible/test/cache"
printf 'import ensurepip\nensurepip.bootstrap(upgrade=True)\n' >"$HOME/.ansible/test/cache/get_pip_${pip//./_}.py"

cd "$copy"
git init -q
# There ansible-test makes an environment of its own, which it would otherwise test as well.
echo /tests/output/ >.git/info/exclude
git add -A
exec ansible-test sanity --venv --requirements --color no "$@"
