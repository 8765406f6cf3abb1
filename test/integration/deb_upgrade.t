# deb_upgrade.t - under systemd the Debian packages are installed by dpkg: nothing runs
# before an admin says so; jobs that are held live through an upgrade, which the warden
# takes up again; a removal lets them run on, and a purge leaves nothing
# runs: systemd
# in-vm: newest-systemd
# packages: deb
# takes: 60 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/packages.sh"
[ -d /run/systemd/system ] || skip_all "systemd does not run here"
[ -n "${MW_IN_VM:-}" ] || skip_all 'packages are installed: in a VM alone'
packages deb
touchmem=$MW_BUILD/test/bin/touchmem
at_failure 'systemctl --no-pager status memwardend memwarden-courier; journalctl --no-pager -b | tail -n 300;
    cp /var/log/memwarden.log "$TMP"/*.{out,err} .'
at_exit 'systemctl stop memwarden-courier memwardend 2>/dev/null'
# this machine's own, which keeps packages from starting daemons
rm -f /usr/sbin/policy-rc.d
main_pid () { systemctl show -p MainPID --value memwardend; }
active () { systemctl is-active memwardend memwarden-courier | paste -sd ' '; }
enabled () { systemctl is-enabled memwardend memwarden-courier | paste -sd ' '; }
installed () { dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null; }
# left: what there is of memwarden's, by name, where packages and daemons put something
left () {
    for d in "$PACKAGES"/*.deb; do dpkg-deb -c "$d" | awk '!/^d/ { print substr ($6, 2) }'; done |
        while read -r f; do [ ! -e "$f" ] || echo "$f"; done
    find /etc /run /var/lib/memwarden* /var/lib/systemd /var/log \( -name '*memwarden*' -o -lname '*memwarden*' \) \
        ! -path '/run/vm/*' ! -path '/run/user/*' 2>/dev/null
}
# What others do when files have come or gone (mandb, ldconfig) opens more of them than
# the VM may; not what is asked here
packages_do () { dpkg --no-triggers "$@"; }

is 'nothing is there before' "$(left)" ''
must 'dpkg installs them' packages_do -i "$PACKAGES"/{memwarden,memwarden-slurm-plugins,libmemwarden0,libmemwarden-dev}_*.deb
is 'they run not' "$(active)" 'inactive inactive'
is 'nor would they at a boot' "$(enabled)" 'disabled disabled'
ok 'there is the user' id memwarden
is 'who owns nothing' "$(find /etc /run /var -user memwarden 2>/dev/null)" ''
ok 'the configuration is good' memwardend --check
# The real Slurm of this machine takes the plugin
printf 'ClusterName=c\nSlurmctldHost=localhost\nPlugStackConfig=%s\n' "$TMP/plugstack.conf" >"$TMP/slurm.conf"
echo 'required spank_memwarden.so' >"$TMP/plugstack.conf"
like 'sbatch has its flags' "$(SLURM_CONF=$TMP/slurm.conf sbatch --help 2>&1)" '--on-oom='

ok 'an admin enables it' systemctl enable --now memwardend
is 'it runs' "$(systemctl is-active memwardend)" active
is 'what it keeps is at its place' "$(stat -c '%a %U %n' /run/memwarden /run/memwarden/state /var/lib/memwarden)" \
    "755 root /run/memwarden
711 root /run/memwarden/state
711 root /var/lib/memwarden"

# ---- an upgrade, with three jobs --------------------------------------------------
# one that somebody holds, one that is held in its OOM, one that just runs
begin () {          # NAME ARG…
    local name=$1; shift
    memwarden run --name "$name" --reservation 64M --limit 64M "$@" >"$TMP/$name.out" 2>"$TMP/$name.err" &
}
known () { [ "$(memwarden jobs --json | jq length)" = "$1" ]; }
begin by_hand -- "$touchmem" --size 20M --stop-file "$TMP/stop"
by_hand=$!
# below what the kernel kills at, so that it lives while it is nobody's
begin in_oom --on-oom 'hold@10m,kill' -- "$touchmem" --size 80M --stop-file "$TMP/stop"
in_oom=$!
begin runs -- "$touchmem" --size 20M --stop-file "$TMP/stop"
runs=$!
must 'there are three jobs' wait_for 30 known 3
memcg () { find /sys/fs/cgroup -type d -name "$1"; }
frozen () { [ "$(cat "$(memcg "$1")/cgroup.freeze")" = 1 ]; }
ok 'one is held' memwarden hold by_hand
ok 'it is frozen' frozen by_hand
must 'one is held in its OOM' wait_for 30 frozen in_oom

# the same with a higher version, as the next release of it would be
higher () {         # DEB
    local dir=$TMP/higher/${1##*/}
    mkdir -p "$TMP/higher" && dpkg-deb -R "$1" "$dir" && sed -i 's/0\.1\.0-1/0.1.0-2/' "$dir/DEBIAN/control" &&
        dpkg-deb -Znone -b "$dir" "$TMP/higher/next_${1##*/}"
}
for d in "$PACKAGES"/{memwarden,memwarden-slurm-plugins,libmemwarden0}_*.deb; do
    ok "a next ${d##*/}" higher "$d"
done
before=$(main_pid)
must 'dpkg upgrades them' packages_do -i "$TMP"/higher/next_memwarden{,-slurm-plugins}_*.deb
like 'it is the next' "$(installed memwarden)" '^installed 0\.1\.0-2'
again () { [ "$(main_pid)" != 0 ] && [ "$(main_pid)" != "$before" ] && known 3; }
ok 'another warden runs, and has the three jobs' wait_for 30 again
alive () { kill -0 "$by_hand" && kill -0 "$in_oom" && kill -0 "$runs"; }
ok 'none has been killed' alive
ok 'who was held by hand is held again' wait_for 30 frozen by_hand
ok 'so is who was in its OOM' wait_for 30 frozen in_oom
like 'by its ladder' "$(memwarden jobs | grep '^in_oom')" 'held, hold, left [0-9]+s'
ok 'the other one was not' grep -qx 0 "$(memcg runs)/cgroup.freeze"
is 'who was not started is not now' "$(systemctl is-active memwarden-courier)" inactive
is 'who was enabled is still' "$(systemctl is-enabled memwardend)" enabled
ok 'who was held can be resumed' memwarden resume by_hand
thawed () { ! frozen "$1"; }
ok 'and runs' wait_for 30 thawed by_hand

# ---- removed, then purged ---------------------------------------------------------
ok 'dpkg removes them' packages_do -r memwarden memwarden-slurm-plugins
ok 'no warden runs' wait_for 20 sh -c '! pgrep -x memwardend'
ok 'who was held in its OOM is not left asleep' thawed in_oom
like 'nor slowed' "$(cat "$(memcg in_oom)/memory.high")" max
ok 'all three run on' alive
ok 'what it knew is kept' [ -e /var/lib/memwarden ]
ok 'so is its configuration' [ -e /etc/memwarden/memwarden.conf ]
touch "$TMP/stop"
for p in $by_hand $in_oom $runs; do
    wait_end 60 "$p"
    is "each completes" $? 0
done
ok 'dpkg purges them' packages_do -P memwarden memwarden-slurm-plugins libmemwarden-dev libmemwarden0
is 'nothing is left' "$(left)" ''
is 'not as a package either' "$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' '*memwarden*' 2>/dev/null |
    grep -v ' not-installed$')" ''
is 'nor a unit' "$(systemctl list-unit-files --no-legend '*memwarden*')" ''
ok 'but for the user, whose number is nobody'\''s again' id memwarden
done_testing
