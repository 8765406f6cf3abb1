# memcg_keeps_limit.t - a job's memory.high that somebody else lowers, as Slurm does
# at the start of every step, is put back before the job crawls there
# runs: v2
# in-vm: 6.12-v2 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"

ok 'memory.high and memory.max are put back' \
    "$MW_BUILD/test/bin/memcg_probe" a_limit_lowered_by_another_is_put_back
done_testing
