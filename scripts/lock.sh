#!/bin/sh
# lock.sh UV: resolves pyproject.toml with this uv and writes requirements/*.txt.
set -eu
uv=$1
lock() {
    output=requirements/$1.txt
    shift
    echo "Resolving $output" >&2
    "$uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --output-file "$output" "$@"
}
lock runtime pyproject.toml
lock dev pyproject.toml --group pyproject.toml:dev
lock bench pyproject.toml --group pyproject.toml:bench
lock load --group pyproject.toml:load
lock scan --group pyproject.toml:scan
lock mutants --group pyproject.toml:mutants
lock lock --group pyproject.toml:lock
