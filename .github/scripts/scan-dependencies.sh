#!/bin/sh
# scan-dependencies.sh: refuses a lock that names a package with a known vulnerability. Asks databases on the network.
#
#   always                 pip-audit with the OSV database: no account, so it holds in pull requests from forks too
#   with SAFETY_API_KEY    Safety with its own database as well
#
# A scanner that reached no database or read no file looks like one that found nothing. So each must first refuse a
# canary, for the right reason: PyYAML 5.3.1, which runs code out of a document (CVE-2020-14343, rated critical).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
canary=$work/binnacle-canary
lock=$work/binnacle # Safety names its project after the folder
mkdir "$canary" "$lock"
echo 'pyyaml==5.3.1' >"$canary/requirements.txt"
# Safety finds files by the end of their name, and requirements/runtime.txt has not got it.
for file in requirements/*.txt; do
    cp "$file" "$lock/$(basename "$file" .txt)-requirements.txt"
done

refuse() {
    echo "scan-dependencies: $1" >&2
    exit 1
}

audit() { # FOLDER; --strict: a package that could not be looked up is a failure, not a pass
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
    refuse "pip-audit did not refuse the canary, so its verdict on the lock is worth nothing"
}
audit "$lock" || refuse "pip-audit refuses the lock: raise the floor of what is vulnerable in pyproject.toml, then make lock"

if [ -z "${SAFETY_API_KEY:-}" ]; then
    echo "scan-dependencies: no SAFETY_API_KEY, so Safety did not run; the verdict is pip-audit's alone"
    exit 0
fi

# The key comes from the environment, and counts only outside the stage "development". No terminal, so no question.
scan() { # FOLDER
    safety --stage cicd scan --policy-file .github/safety-policy.yml --target "$1" </dev/null
}

code=0
scan "$canary" || code=$?
[ "$code" -eq 64 ] || refuse "safety left with $code at the canary, where 64 means refused: its verdict is worth nothing"
scan "$lock" || refuse "safety refuses the lock: raise the floor of what is vulnerable in pyproject.toml, then make lock"
