#!/bin/sh
# The specification's name for daily operations: a thin door to `ops`, whose arguments it takes.
set -eu
OPS=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)/ops

usage() {
	cat <<-'END'
		usage: service-manager.sh COMMAND
		  start|stop|restart [service]    a service, or all
		  status                          what runs, and whether all is well
		  logs [service] [lines]          what was said last; -f follows
		  health                          runs each service's own check now
		  backup, restore FILE            users, keys, certificates and configuration
		  rebuild [service]               builds images anew and replaces their services
		  cleanup                         removes what former builds left
	END
}

case ${1:-} in
start | stop | restart | status | logs | health | rebuild | cleanup | backup | restore) exec "$OPS" "$@" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
