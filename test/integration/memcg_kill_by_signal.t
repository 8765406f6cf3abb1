# memcg_kill_by_signal.t - where cgroup.kill is missing or cannot be written, a job is
# frozen against its forks and killed by signals, until none is left
# runs: v2
# in-vm: 6.12-v2 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"

ok 'a fork bomb is killed whole' \
    "$MW_BUILD/test/bin/memcg_probe" without_cgroup_kill_a_fork_bomb_is_killed_whole
done_testing
