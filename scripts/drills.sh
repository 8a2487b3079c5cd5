#!/bin/sh
# drills.sh PYTHON FOLDER [ARGUMENT...]: runs the drills in FOLDER with pytest and these arguments. A file whose timed tests
# failed runs once more, alone and on a fresh release: a busy machine fails once, a fault twice. Prints both results.
set -eu
python=$1 folder=$2
shift 2

drill() { "$python" -m pytest --timeout=1200 -s "$@"; }

failed() { # ARGUMENT...: prints the tests that failed in the last run
    "$python" -m pytest --collect-only -q --last-failed --last-failed-no-failures=none "$@" "$folder" | grep :: || true
}

code=0
drill "$folder" "$@" || code=$?
[ $code -eq 1 ] || exit $code # 1: tests failed; above: they could not run
untimed=$(failed -m 'not timed')
timed=$(failed -m timed)
[ -n "$timed" ] || exit 1
code=0
printf '\n=== first run, failed:\n%s\n' "$untimed$timed"
for file in $(echo "$timed" | sed 's/::.*//' | sort -u); do
    printf '\n=== once more, alone: %s\n' "$file"
    drill "$file" "$@" && result=passed || result=failed code=1
    printf '\n=== %s: failed, then %s\n' "$file" "$result"
done
if [ -n "$untimed" ]; then
    printf '\n=== not timed, so not repeated:\n%s\n' "$untimed"
    code=1
fi
exit $code
