# make demo: three real hosts with a TLS etcd cluster.   make test: everything that CI runs.   make help: the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:

CACHE := $(CURDIR)/.cache
VENV := $(CACHE)/venv
IMPORTER := $(CACHE)/venv-importer
PROMTOOL := $(CACHE)/promtool
# The checkout as an importable collection, for tests of its code; what is run on hosts is the built artefact.
LINKS := $(CURDIR)/.collections
COLLECTIONS := $(CACHE)/collections
DEMO := $(CACHE)/demo
LAB := python3 -m lab
NAME ?= default

export PATH := $(VENV)/bin:$(PATH):$(PROMTOOL)
export ANSIBLE_HOME := $(CACHE)/ansible
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
export ANSIBLE_INJECT_FACT_VARS := false
export ANSIBLE_PIPELINING := true
export MOLECULE_GLOB := molecule/*/molecule.yml
export PYTHONPATH := $(LINKS):$(CURDIR)
export PYTHONDONTWRITEBYTECODE := 1

SOURCES = $(shell git ls-files -co --exclude-standard galaxy.yml README.md README.zh-CN.md CHANGELOG.rst LICENSE examples meta plugins roles playbooks)

.PHONY: help deps demo test lint sanity unit component refusals faults faults-membership faults-recovery faults-versions scenario scenarios cores matrix fuzz mutants docs bench clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 20

deps: $(VENV)/.done ## the tools, in .cache/venv, and what the lab needs of the system
	$(LAB) deps

# Each with the Pythons that its ansible-core runs on.
$(VENV)/.done: requirements-test.txt
	tests/venv.sh $(@D) $< 3.12 3.14
	touch $@

$(IMPORTER)/.done: tests/requirements-importer.txt
	tests/venv.sh $(@D) $< 3.12 3.13
	touch $@

$(CACHE)/venv-2.16/.done: tests/requirements-2.16.txt tests/requirements-run.txt
	tests/venv.sh $(@D) $< 3.10 3.12
	touch $@

$(CACHE)/venv-2.18/.done: tests/requirements-2.18.txt tests/requirements-run.txt
	tests/venv.sh $(@D) $< 3.11 3.13
	touch $@

$(PROMTOOL)/.done: tests/promtool.sh
	tests/promtool.sh $(@D)
	touch $@

$(COLLECTIONS)/.done: $(VENV)/.done $(SOURCES)
	rm -rf $(CACHE)/dist $(COLLECTIONS)
	ansible-galaxy collection build --force --output-path $(CACHE)/dist .
	ansible-galaxy collection install --offline --force -p $(COLLECTIONS) $(CACHE)/dist/quorum-etcd-*.tar.gz
	touch $@

demo: deps $(COLLECTIONS)/.done ## a TLS cluster on three hosts, in one command
	$(LAB) --name demo releases 3.6.14
	$(LAB) --name demo up
	$(LAB) --name demo inventory --dir $(DEMO)
	cd playbooks && ansible-playbook etcd.yml -i $(DEMO)/hosts
	@printf '%s\n' '' \
	  'Three hosts run etcd. Look around:' \
	  '  python3 -m lab --name demo exec etcd-host0 etcdctl endpoint status --cluster -w table' \
	  '  python3 -m lab --name demo exec etcd-host0 journalctl -u etcd' \
	  '  ssh -i .cache/lab/demo/id_ed25519 root@'"$$($(LAB) --name demo address etcd-host0)" \
	  'Turn one off (kill), cut it from the others (cut, heal): python3 -m lab --help' \
	  'Clean up: make clean'

test: deps $(COLLECTIONS)/.done ## everything that CI runs
	# Side by side, for most of them use one processor only; what takes longest begins first.
	$(MAKE) --jobs=2 --output-sync=target sanity lint unit unit-sample-core-$(firstword $(CORES))
	$(MAKE) component
	$(MAKE) --jobs=2 --output-sync=target faults refusals $(addprefix scenario-,$(filter-out $(SELDOM),$(SCENARIOS)))

# What the first line says is a shell's.
SHELL_FILES = $(shell git ls-files -co --exclude-standard -- ':!.collections' | xargs awk 'FNR == 1 && /^\#!.*[ \/](ba|da)?sh( |$$)/ { print FILENAME } { nextfile }')

lint: deps $(COLLECTIONS)/.done $(IMPORTER)/.done ## static checks
	ruff check .
	ruff format --check .
	cd $(LINKS) && mypy --config-file $(CURDIR)/pyproject.toml -p ansible_collections.quorum.etcd.plugins
	mypy lab
	yamllint --strict .
	ansible-lint
	antsibull-docs lint-collection-docs --plugin-docs .
	antsibull-changelog lint
	shellcheck $(SHELL_FILES)
	tests/importer.sh $(IMPORTER) $(CACHE)/dist/quorum-etcd-*.tar.gz

# ansible-test finds Pythons on the PATH, and cannot use pyenv's shims.
PYTHONS = $(shell printf '%s:' "$$HOME"/.pyenv/versions/3.*/bin)
NO_SHIMS = $(shell printf '%s' "$$PATH" | tr ':' '\n' | grep -v pyenv/shims | paste -sd:)

sanity: deps ## ansible-test sanity, on every Python that is there
	PATH="$(VENV)/bin:$(PYTHONS)$(NO_SHIMS)" tests/sanity.sh $(CACHE)/sanity

# Other versions of ansible-core than that of `make test`: the oldest one, and the last before templating changed (2.19).
CORES = 2.16 2.18

sanity-core-%: $(CACHE)/venv-%/.done
	PATH="$(CACHE)/venv-$*/bin:$(PYTHONS)$(NO_SHIMS)" tests/sanity.sh $(CACHE)/sanity-$*

unit-core-%: $(CACHE)/venv-%/.done
	PATH="$(CACHE)/venv-$*/bin:$$PATH" pytest -q -n 2 tests/unit

# What of them meets Ansible itself: a sample for CI.
unit-sample-core-%: $(CACHE)/venv-%/.done
	PATH="$(CACHE)/venv-$*/bin:$$PATH" pytest -q $(addprefix tests/unit/plugins/,action filter plugin_utils module_utils/_module) \
	  tests/unit/architecture/test_role.py tests/unit/playbooks/test_rescued.py

scenario-core-%: $(CACHE)/venv-%/.done deps $(COLLECTIONS)/.done
	$(LAB) releases
	PATH="$(CACHE)/venv-$*/bin:$$PATH" ANSIBLE_HOME=$(CACHE)/ansible-$* \
	  molecule -c .config/molecule/config.yml test --no-command-borders -s default

cores: $(foreach core,$(CORES),sanity-core-$(core) unit-core-$(core) scenario-core-$(core)) ## sanity, units and one scenario with older ansible-core

unit: deps ## pure code
	pytest -q -n 2 tests/unit tests/fuzz

component: deps $(PROMTOOL)/.done ## modules and client against real etcd
	$(LAB) releases
	pytest -q -n 6 --dist worksteal tests/component

faults: deps $(COLLECTIONS)/.done ## killed runs, lost disks, closed ports: a fixed sample
	$(LAB) releases
	pytest -q tests/faults

faults-membership: deps $(COLLECTIONS)/.done ## changes of members, interrupted everywhere, and a table of counts
	$(LAB) releases
	pytest -q --matrix tests/faults/test_changes_*.py

faults-recovery: deps $(COLLECTIONS)/.done ## snapshots, restores, recoveries, reclaims, interrupted everywhere, and the guides' failures
	$(LAB) releases
	pytest -q --matrix $(patsubst %,tests/faults/test_%.py,snapshot_interrupted restore_interrupted recovery_interrupted reclaim_interrupted failure_modes)

faults-versions: deps $(COLLECTIONS)/.done ## upgrades and downgrades, interrupted everywhere
	$(LAB) releases
	pytest -q --matrix tests/faults/test_versions_*.py

refusals: deps $(COLLECTIONS)/.done ## bad input: what is refused, and that nothing was touched
	$(LAB) releases
	pytest -q tests/refusals

scenario: scenario-$(NAME) ## one Molecule scenario: make scenario NAME=default

# Those that take longest first.
SCENARIOS = snapshot disaster $(filter-out snapshot disaster,$(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml)))

# Left out of CI: what they show, the component tests, the faults or another scenario show in a smaller way.
SELDOM = access airgap auto-tls connections discovery docker downgrade package plain replace scale several single srv v2

scenarios: $(addprefix scenario-,$(SCENARIOS)) ## all Molecule scenarios

scenario-%: deps $(COLLECTIONS)/.done
	$(LAB) releases
	molecule -c .config/molecule/config.yml test --no-command-borders -s $*

matrix: deps cores $(PROMTOOL)/.done $(COLLECTIONS)/.done $(addprefix scenario-,$(SELDOM)) ## what takes too long for CI
	$(LAB) releases
	pytest -q --matrix tests/component
	pytest -q --matrix tests/refusals
	pytest -q --matrix tests/faults

fuzz: deps ## decoders and connections against random bytes: make fuzz FUZZ_SECONDS=600
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) pytest -q tests/fuzz

# In a copy, where the collection's code lies as it is imported; what is changed there is nobody else's.
mutants: deps ## changes to the deciding code that no test notices: make mutants [MODULE=markers]
	$(VENV)/bin/pip install --quiet --disable-pip-version-check 'mutmut>=3.8,<4'
	rm -rf $(CACHE)/mutants
	mkdir -p $(CACHE)/mutants/ansible_collections/quorum/etcd
	cp -R pyproject.toml tests docs $(CACHE)/mutants
	cp -R plugins $(CACHE)/mutants/ansible_collections/quorum/etcd
	cd $(CACHE)/mutants && unset PYTHONPATH PYTHONDONTWRITEBYTECODE && \
	  { nice -n 15 timeout 2h mutmut run --max-children 2 $(if $(MODULE),'*.$(MODULE).*') || [ $$? = 124 ]; } && mutmut results

docs: deps ## pages that are written from the code
	python docs/variables.py >docs/variables.md.new
	mv docs/variables.md.new docs/variables.md
	python docs/guides.py en >docs/guides.md.new
	mv docs/guides.md.new docs/guides.md
	python docs/guides.py zh >docs/guides.zh-CN.md.new
	mv docs/guides.zh-CN.md.new docs/guides.zh-CN.md

bench: deps $(COLLECTIONS)/.done ## how long runs take, beside Ansible's own floor
	$(LAB) releases 3.6.14 3.5.33
	python tests/bench/bench.py
	python tests/bench/restores.py
	python tests/bench/changes.py
	python tests/bench/upgrades.py
	python tests/bench/snapshots.py
	python tests/bench/stalls.py
	PYTHONPATH=$(PYTHONPATH):tests/component python tests/bench/playground.py
	$(VENV)/bin/pip install --quiet --disable-pip-version-check matplotlib
	python tests/bench/plot.py $(CACHE)/bench.json docs/benchmarks.svg

clean: ## takes every host, network and process of the lab away
	$(LAB) down --all
	rm -rf $(DEMO)
