#!/usr/bin/env bash
# Proves the two commands of the README on a bare Debian 12: makes one with debootstrap (python3, python3-venv, make and
# git, nothing else), clones this checkout's last commit into it, and runs `make demo`, then `make test`, with timings.
#
#   tests/bare_debian.sh [COMMAND…]     other commands than those two, each one argument: "make setup" "make test-fast"
#
# Needs root, debootstrap and a network. Environment:
#   BARE_DEBIAN_DIR     where the Debian lives (default: a directory under /var/tmp, kept for the next run)
#   BARE_DEBIAN_USER    account that runs the commands inside (default: root; any other name is made)
#   HOLISTIC_SHARED_DATA  recorded data, copied in when it is there (default: ../shared/data)
set -euo pipefail
checkout="$(cd "$(dirname "$0")/.." && pwd)"
root="${BARE_DEBIAN_DIR:-/var/tmp/holistic-bare-debian}"
account="${BARE_DEBIAN_USER:-root}"
shared_data="${HOLISTIC_SHARED_DATA:-$checkout/../shared/data}"
if [ "$#" -gt 0 ]; then commands=("$@"); else commands=("make demo" "make test"); fi
export PATH="$PATH:/usr/sbin:/sbin"
[ "$(id -u)" = 0 ] || { echo "debootstrap and chroot need root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is not installed: apt-get install debootstrap" >&2; exit 1; }

if [ ! -x "$root/usr/bin/python3" ]; then
  echo "== debootstrap bookworm into $root"
  # The base is kept, so that only the first run waits for it.
  debootstrap --variant=minbase --include=python3,python3-venv,make,git bookworm "$root" >"$root.log" 2>&1 ||
    { tail -20 "$root.log" >&2; exit 1; }
fi

inside() { # runs a line in the Debian with an environment of its own
  env -i "${inherited[@]}" chroot "$root" /bin/bash -c "$1"
}

# What the host's pip needs to reach its packages: proxies, certificates, configuration. Nothing of it is named here.
inherited=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C)
while IFS='=' read -r -d '' name value; do
  case "$name" in
    PIP_* | [hH][tT][tT][pP]_[pP][rR][oO][xX][yY] | [hH][tT][tT][pP][sS]_[pP][rR][oO][xX][yY] | [nN][oO]_[pP][rR][oO][xX][yY])
      inherited+=("$name=$value") ;;
    NPM_CONFIG_REGISTRY) inherited+=("$name=$value") ;;
    SSL_CERT_FILE | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE) inherited+=("$name=/etc/ssl/certs/ca-certificates.crt") ;;
  esac
done < <(env -0)
for index in "${!inherited[@]}"; do # a certificate or a directory of wheels is copied in under its own path
  value="${inherited[$index]#*=}"
  case "${inherited[$index]}" in
    PIP_CERT=/* | PIP_CONFIG_FILE=/* | PIP_FIND_LINKS=/*)
      if [ -e "$value" ]; then mkdir -p "$root$(dirname "$value")" && cp -rLT "$value" "$root$value"; fi ;;
  esac
done
# Node has certificates of its own, and takes the host's beside them.
inherited+=(NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt "$HOME/.config/jgo.conf"; do
  if [ -e "$file" ]; then
    target="$root${file/#$HOME//root}"
    mkdir -p "$(dirname "$target")" && cp -L "$file" "$target"
  fi
done
if [ -e /etc/pip.conf ]; then # certificates that pip is told of there
  while read -r certificate; do
    if [ -e "$certificate" ]; then mkdir -p "$root$(dirname "$certificate")" && cp -L "$certificate" "$root$certificate"; fi
  done < <(sed -n 's/^ *cert *= *//p' /etc/pip.conf)
fi

mounted=()
unmount() { for point in "${mounted[@]}"; do umount -l "$point"; done; }
trap unmount EXIT
for point in proc dev; do
  mkdir -p "$root/$point"
  if ! mountpoint -q "$root/$point"; then
    if [ "$point" = proc ]; then mount -t proc proc "$root/proc"; else mount --rbind --make-rslave /dev "$root/dev"; fi
    mounted=("$root/$point" "${mounted[@]}")
  fi
done

home=/root
if [ "$account" != root ]; then
  inside "id -u $account >/dev/null 2>&1 || useradd --create-home $account"
  home="/home/$account"
fi
echo "== clone of $(git -C "$checkout" log -1 --format='%h %s') into $root$home/holistic-stream"
rm -rf "${root:?}$home/holistic-stream" "$root/tmp/checkout.bundle"
git -C "$checkout" bundle create --quiet "$root/tmp/checkout.bundle" HEAD
if [ -d "$shared_data" ]; then
  mkdir -p "$root$home/shared/data" && cp -rL "$shared_data/." "$root$home/shared/data/"
fi
inside "git -c advice.detachedHead=false clone --quiet /tmp/checkout.bundle $home/holistic-stream"
if [ "$account" != root ]; then inside "chown -R $account: $home"; fi
in_checkout() { # runs a command there, as the account
  if [ "$account" = root ]; then
    inside "cd $home/holistic-stream && $1"
  else
    inside "cd $home/holistic-stream && setpriv --reuid $account --regid $account --init-groups env HOME=$home $1"
  fi
}
stop_servers() { # what `make demo` leaves running must not outlive its checkout
  if [ -x "$root$home/holistic-stream/.venv/bin/holistic" ]; then in_checkout ".venv/bin/holistic down" || true; fi
  unmount
}
trap stop_servers EXIT
for command in "${commands[@]}"; do
  echo "== $command (as $account)"
  began=$SECONDS
  in_checkout "$command"
  echo "== $command: $((SECONDS - began)) s"
done
