# memcg_in_time.t - anon memory beyond memory.high is an OOM while the job is still
# on its way, not when it has got what it wanted.  How late it was seen is printed:
# where nothing is emulated it is to be within 50 ms.
# runs: v2
# in-vm: 6.12-v2 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"

for n in 1 2 3; do
    out=$("$MW_BUILD/test/bin/memcg_probe" anon_beyond_the_limit_is_seen_in_time 2>&1)
    is "run $n: it is seen before the job has it all" $? 0
    echo "# seen late by: $out"
done
done_testing
