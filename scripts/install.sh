#!/bin/sh
# install.sh PYTHON REQUIREMENTS: installs a hash-locked list, and says so, since it takes a while.
set -eu
echo "Installing $2 (about a minute the first time)" >&2
# The lock is the whole resolution. pip below 23.3 would resolve it again, and refuse a package that one line locks and
# another asks for with an extra. Wheels only: no compiler is needed, and no package's code runs while it is installed.
"$1" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: --requirement "$2"
checked=$("$1" -m pip check --disable-pip-version-check 2>&1) || { echo "$checked" >&2; exit 1; }
