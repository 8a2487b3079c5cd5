#!/bin/sh
# find-python.sh FOLDER: creates a virtual environment with the first Python 3.11 or newer that works.
# Runs each candidate, since version managers leave broken shims on PATH.
set -eu
folder=$1
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "Making $folder with $("$candidate" --version)" >&2
        exec "$candidate" -m venv "$folder"
    fi
done
echo "Binnacle needs Python 3.11 or newer with the venv module (Debian: apt-get install python3-venv); none of python3, python3.14 … python3.11 on PATH is one. Name one with: make PYTHON=/path/to/python3" >&2
exit 1
