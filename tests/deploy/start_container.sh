#!/bin/sh
# Runs an image's command the way a container engine would: as process 1 of its own process namespace, as the image's
# unprivileged user, with a read-only root, a /tmp of its own, and only the given directories mounted.
#   start_container.sh ROOT USER:GROUP WORKING_DIRECTORY MOUNTS COMMAND...
# MOUNTS is a file of lines "rw|ro HOST_DIRECTORY DIRECTORY_IN_CONTAINER". Begun by unshare --mount --pid --fork.
set -eu
root=$1 user=$2 directory=$3 mounts=$4
shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t tmpfs -o size=256m,mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while read -r mode outside inside; do
  mkdir -p "$root$inside"
  mount --bind "$outside" "$root$inside"
  if [ "$mode" = ro ]; then mount -o remount,ro,bind "$root$inside"; fi
done < "$mounts"
mount -o remount,ro,bind "$root"
exec chroot --userspec="$user" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
