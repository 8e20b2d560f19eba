#!/bin/sh
# The first process of a host: begins sshd, and Docker Engine where there is one, and takes in orphans as an init would.
set -eu
mkdir -p /run/sshd
/usr/sbin/sshd -E /var/log/sshd.log
# A disk of a size of its own.
if [ -e /disk/image ]; then
	mkdir -p /var/lib/docker
	mount -o loop /disk/image /var/lib/docker
fi
if [ -x /usr/sbin/dockerd ]; then
	setsid /usr/sbin/dockerd --host unix:///var/run/docker.sock >>/var/log/dockerd.log 2>&1 &
fi
while :; do sleep 1; done
