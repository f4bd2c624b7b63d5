#!/usr/bin/env bash
# The servers that tests need: RabbitMQ, PostgreSQL, MariaDB, a database that speaks MongoDB's protocol; a browser, and Prometheus. Debian, as root.
#   ./scripts/services.sh up|down|status [NAME...]    see ./scripts/services.sh --help
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # started by `sh`
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
SERVICES_HOME="$(realpath -m -- "${SERVICES_HOME:-$ROOT/var/services}")" # from where the user stands, so before cd
export SERVICES_HOME
cd "$ROOT"
make_venv
install_lock requirements-dev.txt "the tests"
exec "$PYTHON" -m tests.services "$@"
