# hog_is_held_first.t - who takes memory as fast as it can is held by the warden
# before the kernel kills, however small its reserve, and with several at it
# runs: v2
# takes: 56 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }'
limit=$((1 << 29))
stopped () { grep -q '^frozen 1' "$memcg/cgroup.events"; }
hog () {        # hog NAME PROCESSES
    local key=$1.$$ begun held
    run_job "$key" --reservation 512M --limit 512M --reserve 1M --on-oom 'hold@10m,kill' -- \
        sh -c "cut -d' ' -f1 /proc/uptime >'$TMP/begun'; exec '$TOUCHMEM' --children $2 --size 768M"
    ok "$1: it is held" wait_for 200 journal_has "$key" held
    memcg=$(last_state "$key" memory)
    ok "$1: it stands still" wait_for 20 stopped
    is "$1: the kernel has killed nobody" "$(awk '/^oom_kill / { print $2 }' "$memcg/memory.events")" 0
    begun=$(cat "$TMP/begun")
    held=$(jq -r --arg k "$key" 'select(.job == $k and .event == "held") | .ms' "$WARDEN_STATE/journal.jsonl")
    echo "# $1: 512 MiB in $(awk -v a="$begun" -v b="$held" 'BEGIN { printf "%.0f", b - a * 1000 }') ms, held $(( ($(cat "$memcg/memory.peak") - limit) >> 10 )) KiB over its limit, $(( $(cat "$memcg/memory.max") - limit >> 20 )) MiB to where the kernel kills"
    mw kill "$key" >"$TMP/killed" 2>&1 || echo 1 >"$memcg/cgroup.kill"
    ok "$1: it is gone" wait_for 20 journal_has "$key" released
}
hog one 1
hog four 4
done_testing
