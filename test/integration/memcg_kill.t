# memcg_kill.t - a job is stopped and killed whole, slurmstepd never
# runs: v1 v2 hybrid
# in-vm: 6.12-v2 6.1-v1 6.1-v2 6.1-hybrid
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'freeze stops the tasks and thaw lets them go on' "$probe" freeze_stops_and_thaw_goes_on
ok 'frozen tasks die' "$probe" the_frozen_die
ok 'a fork bomb is killed whole' "$probe" a_fork_bomb_is_killed_whole
ok 'slurmstepd is spared, who calls himself so is not' "$probe" slurmstepd_is_spared
ok 'the extern step is killed, but not signalled' "$probe" the_extern_step_is_killed_but_not_signalled
done_testing
