# memcg_refused.t - what is no job memcg, or cannot be written, is refused in a sentence
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'roots, other controllers and plain directories are refused' "$probe" what_is_no_job_memcg_is_refused
ok 'a read-only tree is a clear error' "$probe" a_read_only_tree_is_a_clear_error
done_testing
