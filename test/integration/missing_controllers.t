# missing_controllers.t - a directory without the memory controller is refused, with
# the reason in the log; without a freezer (v1) a job is held by signals instead.
# runs: v1 v2 hybrid
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/packet.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

log_has () { grep -Eq -- "$1" "$TMP/warden.log"; }
warden_start 'courier { start = false }'

if [ ! -d /sys/fs/cgroup/memory ]; then
    job=/sys/fs/cgroup/$WARDEN_POOL/bare
    mkdir -p "$job"
    why='has no memory controller: enable \+memory in its parent'
    like 'a directory without it is refused' "$(packet -d "$job" "$(spec bare)")" "$why"
    ok 'the log says so' log_has "job bare is not registered.*$why"
    is 'there is no job' "$(mw jobs --json)" '[]'
    done_testing
    exit
fi

job=/sys/fs/cgroup/memory/$WARDEN_POOL/bare other=/sys/fs/cgroup/freezer/$WARDEN_POOL/bare
mkdir -p "$job" "$other"
why='is not of the memory controller'
like 'a directory of another is refused' "$(packet -d "$other" "$(spec bare)")" "$why"
ok 'the log says so' wait_for 20 log_has "job bare is not registered.*$why"
why='is no freezer'
like 'so is a freezer that is none' "$(packet -d "$job" -d "$job" "$(spec bare)")" "$why"
ok 'with a line in the log' wait_for 20 log_has "job bare is not registered.*$why"
is 'there is no job' "$(mw jobs --json)" '[]'

# two processes: one asleep at the limit, one that could go on
mkfifo "$TMP/go"
in_memcg "$job" -- sh -c "read -r _ <'$TMP/go'; exec '$TOUCHMEM' --size 200M" >"$TMP/out" 2>&1 &
task=$!
in_memcg "$job" -- sleep 1000 &
idle=$!
like 'without a freezer it is taken' \
    "$(packet -d "$job" "$(spec bare ',"burst":"x1","ladder":"hold@10m,signal=TERM:all@10m,kill"')")" '"ok"'
echo >"$TMP/go"
ok 'at its limit it is held' wait_for 20 journal_has bare held
stopped () { grep -q '^State:[[:space:]]*T' "/proc/$idle/status"; }
ok 'by signals' wait_for 20 stopped
ok 'it is resumed' mw resume bare
wait $task
is 'and ends by the next step' $? 143
wait $idle
is 'whole' $? 143
ok 'its incident is over' wait_for 20 journal_has bare resolved
done_testing
