# journal_in_doubt.t - a warden is killed while it holds a job, and its journal does not
# tell so: a full disk, a byte that has changed, a ladder of another version.  Neither
# failsafe nor the next warden leaves the job asleep, and failsafe's exit status is 0
# only where it has understood everything.
# runs: v1 v2
# takes: 58 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

failsafe () { mw failsafe --state-dir "$WARDEN_STATE" >"$TMP/said" 2>&1; }
gone () { ! kill -0 "$1" 2>/dev/null; }
memcg_of () { find /sys/fs/cgroup/{memory,freezer,.} -maxdepth 2 -type d -path "*$WARDEN_POOL/$1" 2>/dev/null; }
asleep () {         # NAME: is its memcg, or its freezer, frozen?
    local d
    for d in $(memcg_of "$1"); do
        ! grep -sqE '^(FR|1)' "$d"/{freezer.state,cgroup.freeze} || return 0
    done
    return 1
}
awake () { ! asleep "$1"; }
# held NAME: a job that is held by its owner, far below its limit
held () {
    run_job "$1" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- sleep 1000
    job=$!
    registered () { journal_has "$1" registered; }
    wait_for 20 registered "$1"
    mw hold "$1" >/dev/null
    ok "$1: it is held" wait_for 20 asleep "$1"
}
end () {
    memcg_of "$1" | head -n 1 | xargs -I{} cat {}/cgroup.procs | xargs -r kill -9 "$job" 2>/dev/null
    wait "$job" 2>/dev/null
}

ahead=$WARDEN_STATE/ahead.jsonl
# what the journal becomes, once the warden is dead
declare -A change=(
    [ladder]='s/hold@/hxld@/g'      # of a version that this one is not
    [byte]='s/^\{(?=[^\n]*"event":"(detected|held|step)")/[/mg'
    [digit]='s/"limit":\d/"limit":1/g'     # JSON, and a number, still
    [last]='s/\A(.*\n)\{/$1\[/s'
)
for how in ladder byte digit last; do
    for who in failsafe warden; do
        name=$how$who$$
        warden_start
        held "$name"
        warden_kill9
        perl -0777 -pi -e "${change[$how]}" "$ahead"
        if [ $who = failsafe ]; then
            failsafe; rc=$?
            is "$name: failsafe says that it has not understood all" $rc 1
            like "$name: and what that means" "$(cat "$TMP/said")" 'not understood'
            ok "$name: the job is awake" awake "$name"
        else
            warden_start
            # held by a warden that knows of it is not asleep for want of a record
            known () { [ "$(job_shows "$name" .held)" = true ] || awake "$name"; }
            ok "$name: the job is awake, or its warden knows" wait_for 20 known
            ok "$name: it can be let go on" wait_for 20 eval "mw resume $name; awake $name"
        fi
        end "$name"
        warden_stop
        rm -r "$WARDEN_STATE"
    done
done

# a disk that is full when it is held
mkdir "$WARDEN_STATE"
if mount -t tmpfs -o size=256k,mode=711 none "$WARDEN_STATE"; then
    at_exit 'umount "$WARDEN_STATE"'
    for who in failsafe warden; do
        name=full$who$$
        warden_start
        run_job "$name" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- sleep 1000
        job=$!
        wait_for 20 journal_has "$name" registered
        dd if=/dev/zero of="$WARDEN_STATE/fill" bs=1k count=1024 status=none 2>/dev/null
        # what room the journal still has
        for p in {301..450}; do mw set "$name" --priority "$p" >/dev/null; done
        mw hold "$name" >/dev/null
        ok "$name: it is held" wait_for 20 asleep "$name"
        is "$name: and that is not on record" "$(grep -c '"event":"held"' "$ahead")" 0
        warden_kill9
        rm "$WARDEN_STATE/fill"
        if [ $who = failsafe ]; then
            failsafe; rc=$?
            is "$name: failsafe" $rc 0
        else
            warden_start
        fi
        ok "$name: the job is awake" wait_for 20 awake "$name"
        end "$name"
        warden_stop
        rm -rf "${WARDEN_STATE:?}"/*
    done
fi
warden_start
held "fine$$"
warden_kill9
mkdir "$TMP/other"
mw failsafe --state-dir "$TMP/other" >"$TMP/said" 2>&1; rc=$?
is "failsafe for another warden of this machine" "$rc $(cat "$TMP/said")" '0 0 jobs given back to the kernel'
ok 'leaves the job as it was' asleep "fine$$"
failsafe; rc=$?
is 'failsafe, with all on record: 0' $rc 0
ok 'and the job is awake' awake "fine$$"
end "fine$$"
done_testing
