# memcg_usage.t - page cache is never blamed; all that cannot be reclaimed is, once
# runs: v1 v2
# in-vm: 6.12-v2 6.1-v1 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'anon, shmem and locked memory count once' "$probe" anon_shmem_and_locked_count_once
ok 'streaming files 10 times the limit is no OOM' "$probe" streaming_files_is_no_oom
ok 'reclaim takes cache and leaves the limit' "$probe" reclaim_takes_the_cache
done_testing
