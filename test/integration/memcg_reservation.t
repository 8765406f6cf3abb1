# memcg_reservation.t - memory.low is carried by the ancestors
# runs: v2
# in-vm: 6.12-v2 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"
probe=$MW_BUILD/test/bin/memcg_probe

ok 'each ancestor has at least the sum of its children' "$probe" a_reservation_is_carried_by_the_ancestors
done_testing
