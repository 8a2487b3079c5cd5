#!/bin/sh
# install.sh PYTHON REQUIREMENTS: installs a requirements file with hashes, and prints so, since it takes a while.
set -eu
echo "Installing $2 (about a minute the first time)" >&2
# --no-deps: the lock is complete, and pip below 23.3 rejects a locked package that another one requires with an extra.
# --only-binary: no compiler is needed, and no package runs code during installation.
"$1" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: --requirement "$2"
checked=$("$1" -m pip check --disable-pip-version-check 2>&1) || { echo "$checked" >&2; exit 1; }
