#!/bin/sh
# The first process of a host: begins sshd, and Docker Engine where there is one, and takes in orphans as an init would.
set -eu
mkdir -p /run/sshd
/usr/sbin/sshd -E /var/log/sshd.log
# A disk of a size of its own. The images' layers, which its engine begins with, lie elsewhere and take no room of it.
if [ -e /lent/disk ]; then
	data=/var/lib/docker
	mkdir -p "$data"
	mount -o loop /lent/disk "$data"
	if [ -e /lent/overlay2 ]; then
		if [ ! -e "$data/overlay2" ]; then
			mkdir "$data/overlay2"
			(cd /lent && cp -a image buildkit engine-id "$data" && cp -a overlay2/l "$data/overlay2")
		fi
		for layer in /lent/overlay2/*; do
			name=${layer##*/}
			[ "$name" != l ] || continue
			mkdir -p "$data/overlay2/$name"
			mount --bind "$layer" "$data/overlay2/$name"
		done
	fi
fi
if [ -x /usr/sbin/dockerd ]; then
	setsid /usr/sbin/dockerd --host unix:///var/run/docker.sock >>/var/log/dockerd.log 2>&1 &
fi
while :; do sleep 1; done
