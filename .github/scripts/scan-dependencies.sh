#!/bin/sh
# scan-dependencies.sh: fails if a locked package has a known vulnerability. Needs the network.
#
#   always                 pip-audit with the OSV database, which needs no account and works for forks
#   with SAFETY_API_KEY    also Safety, with its own database
#
# A scanner that reaches no database or reads no file looks like one that finds nothing. So each must first report a
# canary: PyYAML 5.3.1, which executes code from a document (CVE-2020-14343, critical).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
canary=$work/binnacle-canary
lock=$work/binnacle # Safety names its project after the folder
mkdir "$canary" "$lock"
echo 'pyyaml==5.3.1' >"$canary/requirements.txt"
# Safety only finds files whose names end with requirements.txt.
for file in requirements/*.txt; do
    cp "$file" "$lock/$(basename "$file" .txt)-requirements.txt"
done

refuse() {
    echo "scan-dependencies: $1" >&2
    exit 1
}

audit() { # FOLDER; --strict: fail if a package cannot be looked up
    set -- "$1"/*requirements.txt
    for file in "$@"; do
        set -- "$@" --requirement "$file"
        shift
    done
    pip-audit --strict --disable-pip --no-deps --vulnerability-service osv --aliases on --desc off --progress-spinner off "$@"
}

audit "$canary" >"$work/answer" 2>&1 || true
grep -q CVE-2020-14343 "$work/answer" || {
    cat "$work/answer" >&2
    refuse "pip-audit did not report the canary, so its result for the lock is unreliable"
}
audit "$lock" || refuse "pip-audit found vulnerable packages: raise their minimum versions in pyproject.toml, then run make lock"

if [ -z "${SAFETY_API_KEY:-}" ]; then
    echo "scan-dependencies: no SAFETY_API_KEY, so Safety did not run; only pip-audit checked the lock"
    exit 0
fi

# Safety reads the key from the environment, but ignores it in the stage "development". No input, so no prompt.
scan() { # FOLDER
    safety --stage cicd scan --policy-file .github/safety-policy.yml --target "$1" </dev/null
}

code=0
scan "$canary" || code=$?
[ "$code" -eq 64 ] || refuse "safety exited with $code for the canary instead of 64 (vulnerable), so its result is unreliable"
scan "$lock" || refuse "safety found vulnerable packages: raise their minimum versions in pyproject.toml, then run make lock"
