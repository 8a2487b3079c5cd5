#!/bin/sh
# Unpacks the version before this one, 0.1.0, into a folder: what `make e2e` upgrades from is built from there.
#   scripts/previous.sh FOLDER
# Prints the commit. It is recorded in tests/e2e/previous-commit.txt.
set -eu
cd "$(dirname "$0")/.."
commit=$(cat tests/e2e/previous-commit.txt)
if [ $# != 1 ] || [ -e "$1" ]; then
    echo "usage: scripts/previous.sh FOLDER, which must not be there yet" >&2
    exit 2
fi
if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
    echo "This clone lacks the commit $commit, from which 0.1.0 is built: it is shallow. Run \`git fetch --unshallow\`." >&2
    exit 1
fi
mkdir -p "$1"
git archive "$commit" | tar -x -C "$1"
echo "$commit"
