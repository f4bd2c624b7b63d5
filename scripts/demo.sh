#!/usr/bin/env bash
# A year of real flights through Horarium. Needs Python 3.11 to 3.13 and nothing else; does what is still missing, then runs the year.
#   ./scripts/demo.sh                leaves the system up until Ctrl-C
#   ./scripts/demo.sh --until-done   ends when the year is done; the last line of output is one JSON object
# STORE_URL=mongodb://... and BROKER_URL=amqp://... in the environment put it on another store and broker.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # started by `sh`
set -euo pipefail

until_done=no
for argument in "$@"; do
    case "$argument" in
    --until-done) until_done=yes ;;
    -h | --help)
        sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *)
        printf 'error: %s is unknown; usage: demo.sh [--until-done]\n' "$argument" >&2
        exit 2
        ;;
    esac
done

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
FLIGHTS_DATA="$(realpath -m -- "${FLIGHTS_DATA:-$ROOT/var/flights}")" # from where the user stands, so before cd
cd "$ROOT"
make_venv
install_lock requirements-demo.txt "the demo"

export HORARIUM_CONTEXT="$ROOT/examples/flights/context.py"
export FLIGHTS_DATA HORARIUM_VAR="$FLIGHTS_DATA"
[ -z "${STORE_URL:-}" ] || export HORARIUM_STORE_URL="$STORE_URL"
[ -z "${BROKER_URL:-}" ] || export HORARIUM_BROKER_URL="$BROKER_URL"

"$PYTHON" examples/flights/load.py
interrupted=no
trap 'interrupted=yes' INT # a system stopped by Ctrl-C ended well, so its exit code can't tell
"$PYTHON" launch.py up --until-done
if [ "$interrupted" = yes ]; then
    say "stopped before the year was done; ./scripts/demo.sh goes on from there"
    exit 130
fi
trap - INT
"$PYTHON" launch.py report
if [ "$until_done" = yes ]; then
    "$PYTHON" launch.py report --json
    exit
fi
say ""
say "The year is done; the system stays up and waits for more. Look around at the dashboard's address, below, or from another terminal:"
# Quoted for a shell, whatever is in the paths.
say "$(printf '    cd %q; export HORARIUM_CONTEXT=%q HORARIUM_VAR=%q FLIGHTS_DATA=%q' \
    "$ROOT" "$HORARIUM_CONTEXT" "$HORARIUM_VAR" "$FLIGHTS_DATA")"
[ -z "${HORARIUM_STORE_URL:-}${HORARIUM_BROKER_URL:-}" ] || say "    and HORARIUM_STORE_URL and HORARIUM_BROKER_URL as you set them"
say "    .venv/bin/python launch.py timetable"
say "    .venv/bin/python launch.py job why flights_daily 2013070400"
say "Ctrl-C stops it."
exec "$PYTHON" launch.py up
