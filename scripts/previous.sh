#!/bin/sh
# previous.sh FOLDER: unpacks the previous version, 0.1.0, from which `make e2e` tests the upgrade, and prints its commit.
# tests/e2e/previous-commit.txt records the commit.
set -eu
cd "$(dirname "$0")/.."
commit=$(cat tests/e2e/previous-commit.txt)
if [ $# != 1 ] || [ -e "$1" ]; then
    echo "usage: scripts/previous.sh FOLDER (the folder must not exist)" >&2
    exit 2
fi
if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
    echo "This clone is shallow and lacks the commit $commit of version 0.1.0. Run \`git fetch --unshallow\`." >&2
    exit 1
fi
mkdir -p "$1"
git archive "$commit" | tar -x -C "$1"
echo "$commit"
