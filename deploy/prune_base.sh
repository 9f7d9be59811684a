#!/bin/sh
# Takes out of a Debian-like base image what no service runs: package managers, Perl, shells and tools beyond a few,
# whatever becomes another user, and whatever installs or builds. Runs in a throwaway stage; images are made of the rest.
# Packages are purged by dpkg, dpkg last, so that /var/lib/dpkg/status still tells scanners exactly what is there.
set -eu
for pattern in adduser apt 'libapt-pkg*' gpgv sqv debian-archive-keyring perl-base debconf \
  login 'login.*' passwd mount util-linux util-linux-extra bsdutils 'libmount1*' 'libblkid1*' 'libsmartcols1*' \
  'libpam*' 'libsemanage*' 'libsepol*' libcap-ng0 'libaudit*' 'libdb5.3*' e2fsprogs 'libext2fs2*' 'libss2*' logsave \
  init-system-helpers sysvinit-utils 'libsystemd0*' 'libudev1*' 'libseccomp2*' openssl \
  'libgnutls30*' 'libhogweed6*' 'libnettle8*' 'libp11-kit0*' 'libtasn1-6*' 'libunistring*' 'libidn2-0*' \
  'libgcrypt20*' 'libgpg-error0*' bash diffutils mawk ncurses-bin hostname gzip tar \
  python3-venv 'python3.*-venv' python3-pip-whl python3-setuptools-whl python3-distutils python3-lib2to3 dpkg
do
  dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\n' "$pattern" 2>/dev/null || true
done | sed -n 's/^ii *//p' | sort -u > /tmp/purged
# Packages' own scripts are not run: what they would tidy is not kept, and half of them are written in Perl.
find /var/lib/dpkg/info -name '*.prerm' -delete -o -name '*.postrm' -delete -o -name '*.triggers' -delete
xargs dpkg --purge --force-all < /tmp/purged > /tmp/purge.log 2>&1 || { cat /tmp/purge.log; exit 1; }

# Of Python, what installs, tests or shows windows; /usr/local is where the official image has its own.
for library in /usr/lib/python3* /usr/local/lib/python3*; do
  rm -rf "$library"/test "$library"/idlelib "$library"/ensurepip "$library"/lib2to3 "$library"/pydoc_data \
    "$library"/tkinter "$library"/turtledemo "$library"/site-packages/pip* "$library"/site-packages/setuptools* \
    "$library"/site-packages/wheel*
done
rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/wheel /usr/local/bin/2to3* /usr/local/include \
  /usr/local/lib/pkgconfig
# Debian's documentation, caches and package tools' leavings; time zones in their second and third copy; glibc's
# converters, for Python brings its own.
rm -rf /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/bash-completion /usr/share/perl5 \
  /usr/share/python-wheels /usr/share/zoneinfo/right /usr/share/zoneinfo/posix /usr/lib/*/gconv /usr/lib/*/perl-base \
  /var/cache/* /var/log/* /var/lib/apt /var/lib/dpkg/*-old /tmp/*
find / -xdev -perm /6000 \( -type f -o -type d \) -exec chmod a-s {} +
