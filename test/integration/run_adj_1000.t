# Tasks that the kernel's OOM killer would never choose (oom_score_adj -1000) are
# handled like all others: the ladder's kill ends them.
# runs: v1 v2
# in-vm: 6.12-v2 6.1-v1
# vm-only: a container may not lower oom_score_adj
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }'
key=adj$$
run_job "$key" --reservation 64M --limit 64M --on-oom 'signal=TERM:all@1s,kill' -- \
    sh -c "trap '' TERM; echo -1000 >/proc/self/oom_score_adj || exit 99
           cat /proc/self/oom_score_adj; exec '$TOUCHMEM' --size 300M"
wait $!
is 'the job is killed' $? 137
is 'its tasks had -1000' "$(head -n 1 "$TMP/$key.out")" -1000
ok 'the journal has its release' wait_for 20 journal_has "$key" released
like 'signalled, then killed, and resolved' "$(journal_events "$key")" \
    'step:signal .*step:kill .*resolved'
done_testing
