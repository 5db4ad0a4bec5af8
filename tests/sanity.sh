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
    playbooks docs | xargs -0 cp --parents --target-directory "$copy"

# ansible-test makes its environments with a pip of its own choice, from a script that it would download.
export HOME=$directory/home
mkdir -p "$HOME/.ansible/test/cache"
names=$(python3 -c 'import ansible_test._internal.python_requirements as p, inspect, re; print(" ".join(sorted(set(re.findall(r"[0-9]+\.[0-9.]+", inspect.getsource(p.get_venv_packages) + str(getattr(p, "VIRTUALENV_BOOTSTRAP", "")))))))' 2>/dev/null || true)
for version in 25.2 $names; do
    printf 'import ensurepip\nensurepip.bootstrap(upgrade=True)\n' >"$HOME/.ansible/test/cache/get_pip_${version//./_}.py"
done

cd "$copy"
git init -q
git add -A
exec ansible-test sanity --venv --requirements --color no "$@"
