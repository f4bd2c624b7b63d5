#!/bin/sh
# Refuse an environment file that others than its owner can read: it holds the passwords of store and broker.
#   check-environment.sh FILE [USER]    the owner must be root, or USER
file="${1:?usage: check-environment.sh FILE [USER]}"

refuse() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

[ -f "$file" ] || refuse "$file is missing. Copy deploy/environment.example to it, fill it in, and: chmod 600 $file"
mode="$(stat -L -c %a -- "$file")" owner="$(stat -L -c %U -- "$file")"
[ "$mode" = 600 ] || refuse "$file may hold passwords and has mode $mode, so it is not read. Type: chmod 600 $file"
[ "$owner" = root ] || [ "$owner" = "${2:-root}" ] || refuse "$file belongs to $owner, who could change what is run. Type: chown root $file"
