#!/usr/bin/env bash
# All checks of the project: set-up, servers, lints, types, and each suite with a line of seconds. The last line counts all tests.
#   ./scripts/test.sh          what is done before every commit
#   ./scripts/test.sh --all    the tests marked long, too
# The servers come from ./scripts/services.sh. Where one can't be had, its tests are skipped, or fail if CI is set.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # started by `sh`
set -euo pipefail

marked="not long and not waiting" beside_marked="not long and waiting"
case "${1:-}" in
"") ;;
--all) marked="not waiting" beside_marked="waiting" ;;
-h | --help)
    sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
*)
    printf 'error: %s is unknown; usage: test.sh [--all]\n' "$1" >&2
    exit 2
    ;;
esac

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$ROOT"
make_venv
install_lock requirements-dev.txt "the tests"

results="$(mktemp -d)"
servers="" beside="" # what runs while the suites do, each a process group
ours="" # the servers that were down before

clean_up() {
    local group
    for group in $beside $servers; do
        kill -INT -- "-$group" 2>/dev/null && wait "$group" 2>/dev/null || true
    done
    bring_down
    rm -rf "$results"
}
bring_down() {
    # shellcheck disable=SC2086  names, one a word
    [ -z "$ours" ] || "$PYTHON" -m tests.services down $ours || true
    ours=""
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

unwell() { touch "$results/bad"; } # a file, for it is said by what runs beside, too

# Run a check and say how long it took: check NAME COMMAND...
check() {
    local name="$1" began=$SECONDS
    shift
    "$@" || unwell
    printf '== %s: %s s\n' "$name" $((SECONDS - began))
}

# Run the tests of one suite: suite NAME PATH...   Exit code 5 is pytest's "no test collected".
suite() {
    local name="$1" began=$SECONDS code=0
    shift
    "$PYTHON" -m pytest -m "$marked" --timeout=900 --junitxml="$results/$name.xml" "$@" || code=$?
    if [ "$code" -ne 0 ] && [ "$code" -ne 5 ]; then unwell; fi
    if [ ! -s "$results/$name.xml" ]; then touch "$results/$name.broken"; fi # it ended without a count
    printf '== %s: %s s\n' "$name" $((SECONDS - began))
}

# Bring up the servers while those suites run that need none. What was up before stays up afterwards.
start_servers() {
    # `status` fails where one is missing, which says nothing about the others.
    ours="$("$PYTHON" -m tests.services status 2>/dev/null | awk '$2 == "down" || $2 == "missing" { printf "%s ", $1 }')" || true
    set -m
    "$PYTHON" -m tests.services up >"$results/servers.out" 2>&1 &
    servers=$!
    set +m
}

await_servers() {
    local began=$SECONDS code=0
    wait "$servers" || code=$?
    servers=""
    touch "$results/servers.awaited"
    sed 's,://\([^:/@]*\):[^@]*@,://\1:***@,; s/^/   /' "$results/servers.out"
    if [ "$code" -ne 0 ] && [ -n "${CI:-}" ]; then
        say "error: a server is missing (see above), and CI is set: its tests fail"
        unwell
    fi
    printf '== servers: waited for %s s\n' $((SECONDS - began))
}

# The tests marked `waiting`, one after the other, beside the other suites; what they said is shown in the end. The longest begins before
# the servers are there.
wait_beside() {
    marked="$beside_marked"
    suite web_stats tests/e2e/test_web_stats.py
    until [ -e "$results/servers.awaited" ]; do sleep 1; done
    suite waiting tests/e2e tests/integration --ignore=tests/e2e/test_web_stats.py
}
# What takes one processor, and neither time nor servers: the other processor has the suites that wait for something.
play_beside() {
    for folder in simulation acceptance chaos; do
        suite "$folder" "tests/$folder"
    done
}
# Run a function beside all else: start_beside NAME. What it said is shown by await_beside.
start_beside() {
    set -m
    "$1_beside" >"$results/$1.out" 2>&1 &
    beside="$beside $!"
    set +m
}

await_beside() {
    local group
    for group in $beside; do
        wait "$group" || unwell
    done
    beside=""
    cat "$results/play.out" "$results/wait.out"
}

start_servers
start_beside wait
start_beside play
check ruff "$PYTHON" -m ruff check --quiet .
check mypy "$PYTHON" -m mypy --no-error-summary
shopt -s nullglob
top=(tests/test_*.py)
[ ${#top[@]} -eq 0 ] || suite architecture "${top[@]}"
suite unit tests/unit
suite property tests/property
await_servers
for folder in contract integration browser; do
    suite "$folder" "tests/$folder"
done
suite e2e tests/e2e
await_beside
bring_down

code=0
"$PYTHON" - "$results" <<'PYTHON' || code=1
"""Add up the suites; one that ended without counting its tests is a failure."""
import sys
from pathlib import Path
from xml.etree import ElementTree

results = Path(sys.argv[1])
total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
seconds = 0.0
for path in results.glob("*.xml"):
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        seconds += float(suite.get("time", 0))
        for kind in total:
            total[kind] += int(suite.get(kind, 0))
unwell = total["failures"] + total["errors"]
failed = unwell + len(list(results.glob("*.broken")))
is_bad = (results / "bad").exists()
if is_bad and not failed:
    print("ruff, mypy or a server is not well, see above; the tests are")
print(f"all suites took {seconds:.0f} s")
print(f"{total['tests'] - unwell - total['skipped']} passed, {failed} failed, {total['skipped']} skipped")
sys.exit(is_bad or failed > 0)
PYTHON
exit "$code"
