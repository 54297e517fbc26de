#!/bin/busybox sh
# The guest's first process: runs what comes on the serial console, line by line.
# A line's output ends with a record separator and its exit status.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -echo -opost
dmesg -n 1
status=0
while printf '\036%d\n' $status; read -r line; do
	eval "$line"
	status=$?
done
