#!/usr/bin/env bash
# runs: v2
# in-vm: 6.12-v2
# vm-only
# On cgroup v2 without systemd nobody may have handed memory down from the root.
# `memwarden run` does so, and where it may not, it and the doctor name the file
# and the word that has to be written there; the doctor knows all the same what
# the kernel can.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
root=/sys/fs/cgroup
[ -w $root/cgroup.subtree_control ] || skip_all 'only root may hand controllers down'
[ "$(cat /proc/1/comm)" != systemd ] || skip_all 'systemd has handed memory down'

doctor () { mw doctor --json 2>/dev/null | jq -r --arg i "$1" ".[] | select(.item == \$i) | .$2"; }
down () { grep -qw memory $root/cgroup.subtree_control; }
off () { echo -memory >$root/cgroup.subtree_control && ! down; }
at_exit "echo +memory >$root/cgroup.subtree_control"

must 'the root hands no memory down' off
is 'doctor: memory cgroups' "$(doctor 'memory cgroups' verdict)" broken
like 'it names file and word' "$(doctor 'memory cgroups' found)" \
    "\"\+memory\" into $root/cgroup.subtree_control"
for item in freezer memory.high cgroup.kill memory.reclaim 'swap accounting'; do
    is "doctor: $item" "$(doctor "$item" verdict)" ok
done
unlike 'nothing is unknown' "$(mw doctor)" unknown

warden_start 'courier { start = false }'
run_job one --reservation 30M --on-oom=kill --required -- "$TOUCHMEM" --size 100M
wait $!
is 'a job runs, and ends at its limit' $? 137
ok 'the warden has seen its OOM' journal_has one detected
ok 'the root hands memory down by now' down
is 'doctor: memory cgroups' "$(doctor 'memory cgroups' verdict)" ok

# a pool that nobody may hand memory down from: a process is in it
must 'not again' off
mkdir "$root/$WARDEN_POOL"
sleep 1000 &
sleeper=$!
at_exit "kill $sleeper"
echo $sleeper >"$root/$WARDEN_POOL/cgroup.procs"
run_job two --reservation 30M -- true
wait $!
is 'where it may not, the job is refused' $? 125
like 'with the file and the word' "$(cat "$TMP/two.err")" \
    "\"\+memory\" has to be written into $root/$WARDEN_POOL/cgroup.subtree_control"
like 'and what to do about it' "$(cat "$TMP/two.err")" 'move the processes'

# the root's own file, read-only as in many containers
must 'not again' off
unshare -m sh -c "mount -o remount,bind,ro $root && exec '$MEMWARDEN' run --pool \
    $WARDEN_POOL.ro --reservation 30M -- true" >"$TMP/ro" 2>&1
is 'where the root is read-only, too' $? 125
like 'with the file and the word' "$(cat "$TMP/ro")" \
    "\"\+memory\" has to be written into $root/cgroup.subtree_control"
done_testing
