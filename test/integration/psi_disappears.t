# psi_disappears.t - a pressure file that goes costs this source alone, and one that
# is not there too
# runs: v1 v2
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

# a cgroup's own pressure file in the place of the node's: it can be taken away
unified=/sys/fs/cgroup/unified
[ -d $unified ] || unified=/sys/fs/cgroup
[ -e $unified/cgroup.procs ] || { mkdir "$TMP/u"; mount -t cgroup2 none "$TMP/u" && at_exit 'umount "$TMP/u"'; unified=$TMP/u; }
mkdir "$unified/mwtpsi$$" || exit 1
at_exit "rmdir $unified/mwtpsi$$"
if [ ! -e "$unified/mwtpsi$$/memory.pressure" ]; then
    skip_all 'this kernel has no PSI'
fi
warden_sees "$unified/mwtpsi$$/memory.pressure" /proc/pressure/memory
warden_start 'psi = "some 100ms/1s"
courier { start = false }' || exit 1
unlike 'there is a trigger' "$(cat "$TMP/warden.log")" 'no PSI trigger'
rmdir "$unified/mwtpsi$$"
ok 'the file has gone: that is said' wait_for 10 grep -q '/proc/pressure/memory has gone' "$TMP/warden.log"
run_job a --reservation 16M --limit 32M --on-oom kill -- "$TOUCHMEM" --size 100M
wait $!; is 'an OOM is handled as before' $? 137
is 'it is said once' "$(grep -c 'has gone' "$TMP/warden.log")" 1
warden_stop

: >"$TMP/empty"
warden_sees "$TMP/empty" /proc/pressure/memory
warden_start 'psi = "some 100ms/1s"
courier { start = false }' || exit 1
ok 'no such trigger: that is said' wait_for 10 grep -q 'no PSI trigger "some 100ms/1s"' "$TMP/warden.log"
run_job b --reservation 16M --limit 32M --on-oom kill -- "$TOUCHMEM" --size 100M
wait $!; is 'and an OOM is handled' $? 137
warden_stop

: >"$TMP/warden.log"
warden_start 'psi = "off"
courier { start = false }' || exit 1
unlike 'off: nothing is said of PSI' "$(cat "$TMP/warden.log")" 'PSI|pressure'
done_testing
