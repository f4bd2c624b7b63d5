#!/usr/bin/env bash
# All checks of the project: set-up, lints, types, and each suite with a line of seconds. The last line counts all tests.
#   ./scripts/test.sh          what is done before every commit
#   ./scripts/test.sh --all    the tests marked long, too
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # started by `sh`
set -euo pipefail

marked="not long"
case "${1:-}" in
"") ;;
--all) marked="" ;;
-h | --help)
    sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
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
trap 'rm -rf "$results"' EXIT
bad=0
broken=0 # suites that ended without a count

# Run a check and say how long it took: check NAME COMMAND...
check() {
    local name="$1" began=$SECONDS
    shift
    "$@" || bad=1
    printf '== %s: %s s\n' "$name" $((SECONDS - began))
}

# Run the tests of one suite: suite NAME PATH...   Exit code 5 is pytest's "no test collected".
suite() {
    local name="$1" began=$SECONDS code=0
    shift
    "$PYTHON" -m pytest -m "$marked" --timeout=900 --junitxml="$results/$name.xml" "$@" || code=$?
    if [ "$code" -ne 0 ] && [ "$code" -ne 5 ]; then bad=1; fi
    if [ ! -s "$results/$name.xml" ]; then broken=$((broken + 1)); fi
    printf '== %s: %s s\n' "$name" $((SECONDS - began))
}

check ruff "$PYTHON" -m ruff check --quiet .
check mypy "$PYTHON" -m mypy --no-error-summary
shopt -s nullglob
top=(tests/test_*.py)
[ ${#top[@]} -eq 0 ] || suite architecture "${top[@]}"
for folder in unit property contract acceptance simulation integration chaos e2e; do
    found=(tests/"$folder"/test_*.py tests/"$folder"/*/test_*.py)
    [ ${#found[@]} -eq 0 ] || suite "$folder" "tests/$folder"
done

[ "$broken" -eq 0 ] || bad=1
"$PYTHON" - "$results" "$bad" "$broken" <<'PYTHON'
"""Add up the suites; one that ended without counting its tests is a failure."""
import sys
from pathlib import Path
from xml.etree import ElementTree

total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
seconds = 0.0
for path in Path(sys.argv[1]).glob("*.xml"):
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        seconds += float(suite.get("time", 0))
        for kind in total:
            total[kind] += int(suite.get(kind, 0))
unwell = total["failures"] + total["errors"]
failed = unwell + int(sys.argv[3])
if sys.argv[2] != "0" and not failed:
    print("ruff or mypy is not content, see above; the tests are")
print(f"all suites took {seconds:.0f} s")
print(f"{total['tests'] - unwell - total['skipped']} passed, {failed} failed, {total['skipped']} skipped")
PYTHON
exit "$bad"
