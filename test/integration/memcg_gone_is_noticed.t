# A job that ends without anybody saying so is let go when its memcg is removed:
# after the task plugin alone nobody says more than that.
# runs: v1 v2 hybrid
# in-vm: 6.12-v2 6.1-hybrid
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

listed () { mw jobs --json | grep -q "\"$1\""; }
not_listed () { ! listed "$1"; }
empty () { [ -z "$(cat "$1/cgroup.procs" 2>/dev/null)" ]; }

# vanish KEY RUN: its runner, its processes, its directories
vanish () {
    local memory freezer p
    memory=$(last_state "$1" memory) freezer=$(last_state "$1" freezer)
    kill -9 "$2"; wait "$2" 2>/dev/null
    for p in $(cat "$memory/cgroup.procs"); do kill -9 "$p"; done
    ok "$1: it is empty" wait_for 10 empty "$memory"
    ok "$1: its directory is removed" wait_for 10 rmdir "$memory"
    [ ! -d "$freezer" ] || wait_for 10 rmdir "$freezer"
}

warden_start 'courier { start = false }'
for n in 1 2; do
    run_job "gone$n" --reservation 32M -- "$TOUCHMEM" --size 1M --stay 0
    runs[n]=$!
    ok "gone$n: it runs" wait_for 20 grep -q touched "$TMP/gone$n.out"
done
vanish gone1 "${runs[1]}"
ok 'the warden lets it go' wait_for 20 not_listed gone1
like 'and says why' "$(mw why gone1)" 'released: its cgroup is gone'
ok 'its neighbour it has still' listed gone2
vanish gone2 "${runs[2]}"
ok 'until that goes, too' wait_for 20 not_listed gone2
ok 'the warden lives' kill -0 "$WARDEN_PID"
done_testing
