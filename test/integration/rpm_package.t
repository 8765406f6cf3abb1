# rpm_package.t - contrib/make-rpm makes RPM packages that have every file where RHEL has
# it, with its mode, that ask for Slurm's exact release, and of which rpmlint says no error
# runs: v1 native
# takes: 60 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/packages.sh"
command -v rpmbuild rpmlint >/dev/null || skip_all 'no rpmbuild or rpmlint: contrib/install-deps packages'
export HOME=$TMP            # rpm keeps a data base there

packages rpm
slurm=$(sed -n 's/^SLURM_VERSION = //p' "$MW_BUILD/plugin/Makefile")
next=${slurm%.*}.$((${slurm##*.} + 1))
rpm_of () { echo "$PACKAGES/$1"-[0-9]*.rpm; }
is 'these four' "$(cd "$PACKAGES" && ls ./*.rpm | sed 's,^./,,; s/-[0-9].*//' | LC_ALL=C sort | paste -sd ' ')" \
    'memwarden memwarden-devel memwarden-libs memwarden-slurm-plugins'

# files PACKAGE: "MODE OWNER PATH"; what rpm itself puts into each is left out
files () {
    rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]' "$(rpm_of "$1")" |
        grep -vE ' /usr/(lib/.build-id|share/licenses)(/|$)' | sort -k 3
}
same () {           # PACKAGE, what is to be in it on stdin
    sort -k 3 >"$TMP/want"
    files "$1" >"$TMP/got"
    is "$1: its files, owners and modes" "$(diff "$TMP/want" "$TMP/got")" ''
}
same memwarden <<END
-rw-r--r-- root:root /etc/logrotate.d/memwarden
drwxr-xr-x root:root /etc/memwarden
-rw-r--r-- root:root /etc/memwarden/memwarden.conf
-rwxr-xr-x root:root /usr/bin/memwarden
-rw-r--r-- root:root /usr/lib/systemd/system/memwarden-courier.service
-rw-r--r-- root:root /usr/lib/systemd/system/memwardend.service
-rw-r--r-- root:root /usr/lib/sysusers.d/memwarden.conf
-rwxr-xr-x root:root /usr/sbin/memwarden-courier
-rwxr-xr-x root:root /usr/sbin/memwardend
-rw-r--r-- root:root /usr/share/bash-completion/completions/memwarden.bash
drwxr-xr-x root:root /usr/share/doc/memwarden
-rw-r--r-- root:root /usr/share/doc/memwarden/NEWS
-rw-r--r-- root:root /usr/share/doc/memwarden/README.md
-rw-r--r-- root:root /usr/share/doc/memwarden/design.md
-rw-r--r-- root:root /usr/share/doc/memwarden/drain.md
drwxr-xr-x root:root /usr/share/doc/memwarden/examples
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/borrow.c
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/cgroup.conf.snippet
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/evidence-core
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/evidence-heap
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/evidence-ps
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/evidence-smaps
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/halve.py
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/incident.json
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/job_submit.lua
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/mail-summary
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/memwarden.conf
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/memwarden.json
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/memwarden.logrotate
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/memwarden.py
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/memwarden.rules.yml
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/plugstack.conf.snippet
-rw-r--r-- root:root /usr/share/doc/memwarden/examples/slurm.conf.snippet
-rw-r--r-- root:root /usr/share/doc/memwarden/nodes.md
-rw-r--r-- root:root /usr/share/doc/memwarden/upgrade.md
-rw-r--r-- root:root /usr/share/man/man1/memwarden.1.gz
-rw-r--r-- root:root /usr/share/man/man5/memwarden.conf.5.gz
-rw-r--r-- root:root /usr/share/man/man7/memwarden-ladder.7.gz
-rw-r--r-- root:root /usr/share/man/man8/memwarden-courier.8.gz
-rw-r--r-- root:root /usr/share/man/man8/memwardend.8.gz
END
same memwarden-slurm-plugins <<END
-rwxr-xr-x root:root /usr/lib64/slurm/spank_memwarden.so
-rwxr-xr-x root:root /usr/lib64/slurm/task_memwarden.so
-rw-r--r-- root:root /usr/share/man/man8/spank_memwarden.8.gz
END
same memwarden-libs <<END
lrwxrwxrwx root:root /usr/lib64/libmemwarden.so.0
-rwxr-xr-x root:root /usr/lib64/libmemwarden.so.0.0.0
END
same memwarden-devel <<END
-rw-r--r-- root:root /usr/include/memwarden.h
-rw-r--r-- root:root /usr/share/man/man3/libmemwarden.3.gz
lrwxrwxrwx root:root /usr/lib64/libmemwarden.so
-rw-r--r-- root:root /usr/lib64/pkgconfig/memwarden.pc
END

is 'the plugins: Slurm of their release alone' \
    "$(rpm -qp --requires "$(rpm_of memwarden-slurm-plugins)" | grep ^slurm | sed 's/([^)]*)//' | sort | paste -sd ' ')" \
    "slurm < $next slurm >= $slurm"
is 'the configuration is an admin'\''s' "$(rpm -qp --configfiles "$(rpm_of memwarden)" | sort | paste -sd ' ')" \
    '/etc/logrotate.d/memwarden /etc/memwarden/memwarden.conf'
scripts=$(rpm -qp --scripts "$(rpm_of memwarden)")
like 'its user is made' "$scripts" 'systemd-sysusers memwarden\.conf'
like 'what is enabled is what presets say' "$scripts" 'systemctl .*preset .*memwardend\.service'
like 'a daemon that runs is started again' "$scripts" 'try-restart .*memwardend\.service'
unlike 'no macro is left unread' "$scripts" '%'

said=$(rpmlint -c "$MW_SRC/contrib/rpmlint.toml" "$PACKAGES"/*.rpm "$MW_SRC/contrib/memwarden.spec" 2>&1)
is 'rpmlint has no error' "$?" 0
is 'not one' "$(grep ' E: ' <<<"$said")" ''
sed 's/^/# /' <<<"$said"
done_testing
