# memcg_oom.t - an OOM of a memcg is told, waits, and kills nobody
# runs: v1 v2 hybrid
# in-vm: 6.12-v2 qemu-6.12 6.1-v1 6.1-v2 6.1-hybrid
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'at its limit a job waits until the limit is raised' "$probe" oom_waits_for_the_limit
ok 'tasks deep below a job wait at its limit too' "$probe" oom_of_tasks_deep_below_is_the_jobs
ok 'the OOM of one job is not that of another' "$probe" oom_of_a_job_is_not_its_neighbours
ok 'the OOM of the pool is not that of its jobs' "$probe" oom_of_the_pool_is_not_the_jobs
ok 'with equal limits of job and pool no OOM is lost' "$probe" with_equal_limits_no_oom_is_lost
ok 'a limit set below usage kills nobody' "$probe" a_limit_below_usage_kills_nobody
done_testing
