# memcg_kernel_kill.t - what the kernel kills is told, and killing can be given back to it
# runs: v1 v2
# in-vm: 6.12-v2 6.1-v1 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'a kill by the kernel is told once' "$probe" a_kernel_kill_is_told_once
ok 'disarm gives the OOM back to the kernel' "$probe" disarm_gives_the_killer_back
done_testing
