# deb_package.t - contrib/make-deb makes Debian packages that have every file in its
# place, with its mode, that Slurm's exact release is asked for, and of which lintian says
# no error
# runs: v1 native
# takes: 100 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/packages.sh"
[ -e /etc/debian_version ] || skip_all 'this is no Debian'
command -v dh lintian >/dev/null || skip_all 'no debhelper or lintian: contrib/install-deps packages'

packages deb
lib=usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
slurm=$(sed -n 's/^SLURM_VERSION = //p' "$MW_BUILD/plugin/Makefile")
deb () { echo "$PACKAGES/$1"_*.deb; }
is 'these four' "$(cd "$PACKAGES" && ls ./*.deb | sed 's,^./,,; s/_.*//' | LC_ALL=C sort | paste -sd ' ')" \
    'libmemwarden-dev libmemwarden0 memwarden memwarden-slurm-plugins'

# files PACKAGE: "MODE OWNER PATH" of all that is in it, but directories of the system's,
# and what is said of every package
files () {
    dpkg-deb -c "$(deb "$1")" | awk '{ print $1, $2, $6 }' |
        sed 's, \./, ,; s, usr/lib/systemd/, lib/systemd/,' |
        grep -vE '^d[^ ]* [^ ]* (usr/.*|(etc|etc/logrotate.d|usr|lib|lib/systemd.*)/)?$' |
        grep -vE ' usr/share/doc/[^/]*/(changelog.Debian.gz|copyright)$' | sort -k 3
}
same () {           # PACKAGE, what is to be in it on stdin
    sort -k 3 >"$TMP/want"
    files "$1" >"$TMP/got"
    is "$1: its files, owners and modes" "$(diff "$TMP/want" "$TMP/got")" ''
}
same memwarden <<END
-rw-r--r-- root/root etc/logrotate.d/memwarden
drwxr-xr-x root/root etc/memwarden/
-rw-r--r-- root/root etc/memwarden/memwarden.conf
-rw-r--r-- root/root lib/systemd/system/memwarden-courier.service
-rw-r--r-- root/root lib/systemd/system/memwardend.service
-rwxr-xr-x root/root usr/bin/memwarden
-rw-r--r-- root/root usr/lib/sysusers.d/memwarden.conf
-rwxr-xr-x root/root usr/sbin/memwarden-courier
-rwxr-xr-x root/root usr/sbin/memwardend
-rw-r--r-- root/root usr/share/bash-completion/completions/memwarden.bash
-rw-r--r-- root/root usr/share/doc/memwarden/NEWS.gz
-rw-r--r-- root/root usr/share/doc/memwarden/README.Debian
-rw-r--r-- root/root usr/share/doc/memwarden/README.md.gz
-rw-r--r-- root/root usr/share/doc/memwarden/design.md.gz
-rw-r--r-- root/root usr/share/doc/memwarden/drain.md.gz
-rw-r--r-- root/root usr/share/doc/memwarden/examples/borrow.c
-rw-r--r-- root/root usr/share/doc/memwarden/examples/cgroup.conf.snippet
-rw-r--r-- root/root usr/share/doc/memwarden/examples/evidence-core
-rw-r--r-- root/root usr/share/doc/memwarden/examples/evidence-heap
-rw-r--r-- root/root usr/share/doc/memwarden/examples/evidence-ps
-rw-r--r-- root/root usr/share/doc/memwarden/examples/evidence-smaps
-rw-r--r-- root/root usr/share/doc/memwarden/examples/halve.py
-rw-r--r-- root/root usr/share/doc/memwarden/examples/incident.json
-rw-r--r-- root/root usr/share/doc/memwarden/examples/job_submit.lua
-rw-r--r-- root/root usr/share/doc/memwarden/examples/mail-summary
-rw-r--r-- root/root usr/share/doc/memwarden/examples/memwarden.conf
-rw-r--r-- root/root usr/share/doc/memwarden/examples/memwarden.json
-rw-r--r-- root/root usr/share/doc/memwarden/examples/memwarden.logrotate
-rw-r--r-- root/root usr/share/doc/memwarden/examples/memwarden.py
-rw-r--r-- root/root usr/share/doc/memwarden/examples/memwarden.rules.yml
-rw-r--r-- root/root usr/share/doc/memwarden/examples/plugstack.conf.snippet
-rw-r--r-- root/root usr/share/doc/memwarden/examples/slurm.conf.snippet
-rw-r--r-- root/root usr/share/doc/memwarden/nodes.md.gz
-rw-r--r-- root/root usr/share/doc/memwarden/upgrade.md
-rw-r--r-- root/root usr/share/man/man1/memwarden.1.gz
-rw-r--r-- root/root usr/share/man/man5/memwarden.conf.5.gz
-rw-r--r-- root/root usr/share/man/man7/memwarden-ladder.7.gz
-rw-r--r-- root/root usr/share/man/man8/memwarden-courier.8.gz
-rw-r--r-- root/root usr/share/man/man8/memwardend.8.gz
END
plugins=$(sed -n 's,^slurmplugindir = /,,p' "$MW_BUILD/plugin/Makefile")
same memwarden-slurm-plugins <<END
-rw-r--r-- root/root $plugins/spank_memwarden.so
-rw-r--r-- root/root $plugins/task_memwarden.so
-rw-r--r-- root/root usr/share/man/man8/spank_memwarden.8.gz
END
same libmemwarden0 <<END
lrwxrwxrwx root/root $lib/libmemwarden.so.0
-rw-r--r-- root/root $lib/libmemwarden.so.0.0.0
END
same libmemwarden-dev <<END
lrwxrwxrwx root/root $lib/libmemwarden.so
-rw-r--r-- root/root $lib/pkgconfig/memwarden.pc
-rw-r--r-- root/root usr/include/memwarden.h
-rw-r--r-- root/root usr/share/man/man3/libmemwarden.3.gz
END

# ---- what they ask for ------------------------------------------------------------
depends () { dpkg-deb -f "$(deb "$1")" Depends; }
next=${slurm%.*}.$((${slurm##*.} + 1))
like 'the plugins: Slurm of their release alone' "$(depends memwarden-slurm-plugins)" \
    "(^|, )slurm-wlm-basic-plugins \(>= $slurm~\), slurm-wlm-basic-plugins \(<< $next~\)(,|$)"
# as dpkg reads it: of this one, in whatever revision, and of no other
takes () { dpkg --compare-versions "$1" ge "$slurm~" && dpkg --compare-versions "$1" lt "$next~"; }
ok 'which is the one that is here' takes "$(dpkg-query -W -f '${Version}' slurm-wlm-basic-plugins)"
ok 'and any revision of it' takes "$slurm-99+deb99u9"
for v in "$next-1" "$next~rc1-1" "${slurm%.*}.$((${slurm##*.} - 1))-9"; do
    if takes "$v"; then fail "but not $v"; else pass "but not $v"; fi
done
unlike 'the library needs no Slurm' "$(depends libmemwarden0), $(depends libmemwarden-dev)" '(^|, )(lib)?slurm'
is 'the configuration is an admin'\''s' "$(dpkg-deb -I "$(deb memwarden)" conffiles | sort | paste -sd ' ')" \
    '/etc/logrotate.d/memwarden /etc/memwarden/memwarden.conf'
mkdir "$TMP/control"
dpkg-deb -e "$(deb memwarden)" "$TMP/control"
like 'its user is made' "$(cat "$TMP/control/postinst")" 'systemd-sysusers .*memwarden\.conf'
like 'a daemon that runs is started again' "$(cat "$TMP/control/postinst")" 'try-restart .*memwardend\.service'
unlike 'none is started that did not run' "$(cat "$TMP/control/postinst")" 'deb-systemd-invoke (start|restart)|_dh_action=(start|restart)'
for s in postinst prerm postrm; do
    ok "$s: sh reads it" sh -n "$TMP/control/$s"
done

# A program is built with what -dev has, and runs with what the other has
mkdir "$TMP/root"
dpkg-deb -x "$(deb libmemwarden-dev)" "$TMP/root"
dpkg-deb -x "$(deb libmemwarden0)" "$TMP/root"
printf '%s\n' '#include <memwarden.h>' \
    'int main (void) { struct mw_status s; return mw_self (&s, 0, 0) != -1; }' >"$TMP/self.c"
# shellcheck disable=SC2046    # words
ok 'a program is built by pkg-config' cc -o "$TMP/self" "$TMP/self.c" \
    $(PKG_CONFIG_SYSROOT_DIR=$TMP/root PKG_CONFIG_PATH=$TMP/root/$lib/pkgconfig \
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --cflags --libs memwarden)
ok 'and finds no job to be in' env LD_LIBRARY_PATH="$TMP/root/$lib" MEMWARDEN_SOCKET=/nowhere "$TMP/self"

said=$(nice -n 19 lintian --no-cfg --allow-root --fail-on error "$PACKAGES"/*.changes 2>&1)
is 'lintian has no error' "$?" 0
is 'not one' "$(grep '^E:' <<<"$said")" ''
sed 's/^/# /' <<<"$said"
done_testing
