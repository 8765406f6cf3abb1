# memcg_in_time.t - anon memory beyond memory.high is an OOM soon after
# runs: v2
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'anon memory beyond the limit is seen in time' "$probe" anon_beyond_the_limit_is_seen_in_time
done_testing
