# memcg_gone.t - a directory that went, and another of its name, are never touched
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'a removed directory is told as gone' "$probe" a_removed_directory_is_gone
ok 'a successor of the same name is never touched' "$probe" a_successor_of_the_same_name_is_never_touched
done_testing
