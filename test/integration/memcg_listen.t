# memcg_listen.t - a memcg that is only listened to tells of the OOM that the kernel
# answers in it: of each once, wherever in the job the limit was, and of no other
# runs: v1 v2
# in-vm: 6.12-v2 6.1-v1 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'a kill at its limit is told, once' "$probe" what_is_listened_to_tells_the_kernels_kill_once
ok 'at a limit of one of its steps, too; its end is none' "$probe" heard_at_a_step_it_is_the_jobs
ok 'a kill for the pool is told as that' "$probe" heard_of_the_pool_it_is_not_the_jobs
done_testing
