#!/bin/sh
# The specification's name for updates: a thin door to `ops`, whose arguments it takes.
set -eu
OPS=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)/ops

usage() {
	cat <<-'END'
		usage: update-system.sh COMMAND
		  update             backup, newest code, images, configuration, restart, checks, summary
		  rollback [file]    what ran before the last update, or what is in a backup
		  backup             users, keys, certificates and configuration
	END
}

case ${1:-} in
update | rollback | backup) exec "$OPS" "$@" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
