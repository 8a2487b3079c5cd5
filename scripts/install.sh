#!/bin/sh
# install.sh PYTHON REQUIREMENTS: installs a hash-locked list, and says so, since it takes a while.
set -eu
echo "Installing $2 (about a minute the first time)" >&2
exec "$1" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$2"
