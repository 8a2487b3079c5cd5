#!/bin/sh
# test.sh NAME [ARGS]: makes a copy in a temporary folder, and runs its `make lint` and `make test` in this virtual
# environment, the tests with these arguments of pytest.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.com GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.com
.venv/bin/python -m scripts.yours --name "$1" --to "$work/$1"
ln -s "$PWD/.venv" "$work/$1/.venv"
echo .venv >>"$work/$1/.git/info/exclude"
# The stamp is older than the copy's locks, which are the same: nothing is to be installed.
for target in lint test; do
    make -C "$work/$1" --no-print-directory --old-file=.venv/.dev-installed $target NAME= TO= ARGS="${2-}"
done
