# memcg_memsw.t - the limit of memory and swap moves along with that of memory
# runs: v1
# in-vm: 6.1-v1
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'the swap a job was given stays the same' "$probe" memory_and_swap_move_together
done_testing
