# Sourced by demo.sh and test.sh: finds a Python, makes .venv, installs a lock file once. Sets ROOT and PYTHON.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
PYTHON="$ROOT/.venv/bin/python"
IN_RANGE='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $1"
    shift
    for line in "$@"; do say "       $line"; done
    exit 1
}

# Is $1 a Python that serves, on its own or as the base of a .venv?
in_range() { command -v "$1" >/dev/null 2>&1 && "$1" -c "$IN_RANGE" >/dev/null 2>&1; }
has_module() { "$1" -c "import $2" >/dev/null 2>&1; }

# Print the Python to make .venv from, or say exactly what is missing.
base_python() {
    local candidate found="" version
    for candidate in ${BASE_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        in_range "$candidate" || continue
        found="${found:-$candidate}"
        if has_module "$candidate" ensurepip && has_module "$candidate" venv && has_module "$candidate" sqlite3; then
            command -v "$candidate"
            return
        fi
    done
    if [ -n "$found" ]; then
        version="$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
        has_module "$found" sqlite3 || fail "$found was built without its module sqlite3" "Install a Python that has it, or name another: BASE_PYTHON=/path/to/python3 $0"
        fail "$found has no venv: the package python3-venv is missing" "On Debian or Ubuntu: apt-get install python3-venv   (for another than the system's Python: python$version-venv)"
    fi
    if [ -n "${BASE_PYTHON:-}" ]; then
        fail "BASE_PYTHON is $BASE_PYTHON: that is no Python 3.11, 3.12 or 3.13"
    fi
    if command -v python3 >/dev/null 2>&1; then
        fail "$(python3 --version 2>&1) is here, needed is Python 3.11, 3.12 or 3.13" "Install one of them (it may stand beside yours), or name it: BASE_PYTHON=/path/to/python3 $0"
    fi
    fail "there is no python3; needed is Python 3.11, 3.12 or 3.13" "On Debian or Ubuntu: apt-get install python3 python3-venv"
}

# Make .venv unless it is there and works.
make_venv() {
    if "$PYTHON" -c "$IN_RANGE; import pip" >/dev/null 2>&1; then return; fi
    local base
    base="$(base_python)" || exit 1
    say "making .venv with $("$base" --version 2>&1)"
    "$base" -m venv --clear "$ROOT/.venv" || fail "could not make $ROOT/.venv (see above)" "Delete that folder, and check that you may write to $ROOT."
}

# Install the lock file $1 into .venv, unless the same one already is; $2 tells the user what it is for.
install_lock() {
    local lock="$ROOT/$1" stamp sum
    stamp="$ROOT/.venv/installed-$1"
    sum="$("$PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$lock")"
    if [ "$(cat "$stamp" 2>/dev/null || true)" = "$sum" ]; then return; fi
    say "installing the pinned packages for $2 (once; a minute or so)"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" ||
        fail "pip could not install $1 (see above)" "Is there a way to a package index? Behind a proxy or with a mirror, set up pip for it and run this again."
    printf '%s\n' "$sum" >"$stamp"
}
