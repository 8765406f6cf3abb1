#!/usr/bin/env bash
# runs: v1 v2 hybrid systemd nopsi swap
# in-vm: 6.12-systemd 6.12-v2 6.1-v1 6.1-v2 6.12-swap 6.1-swap 6.12-nopsi 6.1-hybrid
# `memwarden doctor` names what this machine lacks and what that costs, and
# nothing that it has.  test/unit/test_doctor.c has recorded machines; these are
# real ones, each made (test/vm/test) to lack other things.
. "$(dirname "$0")/../lib/tap.sh"
unset SLURM_CONF
MEMWARDEN_SOCKET=$TMP/none
export MEMWARDEN_SOCKET

said=$("$MW_BUILD/handler/memwarden" doctor --json 2>"$TMP/err")
like 'it speaks JSON' "$(jq -r 'type' <<<"$said" 2>&1)" '^array$'
verdict () { jq -r --arg i "$1" '.[] | select(.item == $i) | .verdict' <<<"$said"; }
found () { jq -r --arg i "$1" '.[] | select(.item == $i) | .found' <<<"$said"; }
cost () { jq -r --arg i "$1" '.[] | select(.item == $i) | .cost' <<<"$said"; }

# has ITEM | lacks ITEM COST-ERE | broken ITEM COST-ERE | na ITEM
has () { is "$1: there" "$(verdict "$1")" ok; }
na () { is "$1: means nothing here" "$(verdict "$1")" n/a; }
broken () {
    is "$1: broken" "$(verdict "$1")" broken
    like "$1: what that costs" "$(cost "$1")" "$2"
}
lacks () {
    is "$1: lacking" "$(verdict "$1")" lacks
    like "$1: what that costs" "$(cost "$1")" "$2"
}

# what is here, by other means than the doctor's
memory_v2=$(grep -cw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null)
has 'memory cgroups'
if [ "${memory_v2:-0}" -gt 0 ]; then
    like 'they are of v2' "$(found 'memory cgroups')" 'v2 at /sys/fs/cgroup$'
    # the root has none of the files that are asked for
    dir=/sys/fs/cgroup/mwt.doctor.$$
    mkdir "$dir" && at_exit "rmdir $dir"
    said=$("$MW_BUILD/handler/memwarden" doctor --json 2>"$TMP/err")
    for item in freezer memory.high cgroup.kill memory.reclaim; do has $item; done
    has memory_recursiveprot
else
    has freezer
    like 'they are of v1' "$(found 'memory cgroups')" '^cgroup v1 at .*/memory'
    for item in memory.high cgroup.kill memory.reclaim memory_recursiveprot; do
        na $item
    done
    if mountpoint -q /sys/fs/cgroup/unified; then
        like 'and it is told what is used from where' \
            "$(found 'memory cgroups')" 'hybrid with v2 at /sys/fs/cgroup/unified'
    else
        unlike 'nothing of a hybrid' "$(found 'memory cgroups')" hybrid
    fi
fi
if [ "$(wc -l </proc/swaps)" -gt 1 ]; then
    has swap
else
    lacks swap 'suspended job stays resident'
fi
if head -c 1 /proc/pressure/memory >"$TMP/psi" 2>/dev/null; then
    has PSI
else
    lacks PSI 'slow starvation'
fi
if [ "$(cat /proc/1/comm)" = systemd ]; then
    has systemd
else
    lacks systemd 'nobody restarts the warden'
fi
has process_mrelease
has /dev/kmsg
broken warden 'the kernel kills at their limit'

# the variants are what they are called: else the above has tried nothing
case ${MW_VARIANT:-} in
    *nopsi) is 'this variant has no PSI' "$(verdict PSI)" lacks ;;
    *swap) is 'this variant has swap' "$(verdict swap)" ok ;;
    *systemd) is 'this variant has systemd' "$(verdict systemd)" ok ;;
    *hybrid) like 'this variant is a hybrid' "$(found 'memory cgroups')" hybrid ;;
esac
"$MW_BUILD/handler/memwarden" doctor >"$TMP/text" 2>&1
is 'the text has every line of the JSON' \
    "$(grep -cE '^(ok|lacks|broken|n/a) ' "$TMP/text")" "$(jq length <<<"$said")"
done_testing
