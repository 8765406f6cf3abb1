# control_bad_input.t - whatever comes over the socket, from whomever: it is
# refused by a sentence, and the jobs that are registered notice nothing.
# runs: v1 v2
# takes: 66 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/packet.sh"

# refused NAME ERE ARG…: of packet
refused () {
    local name=$1 ere=$2; shift 2
    like "$name" "$(packet "$@")" "$ere"
}
memory_of () { jq -r --arg k "$1" 'select(.job == $k and .st) | .st.memory' "$WARDEN_STATE/journal.jsonl" | tail -n 1; }

chmod 755 "$TMP"
warden_start
good=good$$
run_job "$good" --reservation 32M -- "$TOUCHMEM" --size 1M --stay 600
job=$!
wait_for 10 journal_has "$good" registered
memcg=$(memory_of "$good")
before=$(mw jobs --json | jq -c '.. | objects | select(.key? == "'"$good"'") | {key, limit, reservation, priority}')
ok 'a job is registered' [ -d "$memcg" ]

refused 'a register from another than root' 'only root may register' -u 65534 "$(spec x)"
refused 'a descriptor from another than root' 'no descriptors' -u 65534 -d "$memcg" "$(spec x)"
refused 'a release from another than root' 'only root may release' -u 65534 '{"v":1,"type":"release","job":"'"$good"'"}'
for whose in "root's" "users'"; do
    as=()
    [ "$whose" = "root's" ] || as=(-u 65534)
    refused "$whose: half a message" 'not a message' "${as[@]}" '{"v":1,"type":"regi'
    refused "$whose: no JSON" 'not a message' "${as[@]}" 'hello'
    refused "$whose: another version" 'version' "${as[@]}" '{"v":99,"type":"jobs"}'
    refused "$whose: an unknown request" 'unknown request' "${as[@]}" '{"v":1,"type":"explode"}'
    refused "$whose: a message of more than 64 KiB" 'too large' "${as[@]}" \
        "{\"v\":1,\"type\":\"jobs\",\"x\":\"$(printf '%0*d' 70000 0)\"}"
done
refused 'a register without a memcg' 'has no memcg' "$(spec x)"
refused 'a memcg that is none' 'not a cgroup directory' -d "$TMP" "$(spec x)"
refused 'the root memcg' 'root of its hierarchy' -d "$(dirname "$(dirname "$memcg")")" "$(spec x)"
refused 'a key that is a path' 'key' -d "$memcg" "$(spec ../x)"
refused 'priority 1001' '0 to 1000' -d "$memcg" "$(spec x ',"priority":1001')"
refused 'an unknown step' 'explode' -d "$memcg" "$(spec x ',"ladder":"explode"')"
refused 'a negative size' 'reserve' -d "$memcg" "$(spec x ',"reserve":"-1M"')"
refused 'an overflowing size' 'reserve' -d "$memcg" "$(spec x ',"reserve":"99999999999P"')"
refused 'a burst below the reservation' 'reservation' -d "$(dirname "$memcg")" "$(spec x ',"burst":"16M"')"
refused 'a second registration with another memcg' 'is registered with another memcg' -d "$(dirname "$memcg")" "$(spec "$good")"
refused 'another job for a memcg that has one' 'is (the|that of) job|already' -d "$memcg" "$(spec x)"
refused 'a release of a job that is not there' 'there is no job none' '{"v":1,"type":"release","job":"none"}'

for c in 'hold nojob' 'resume nojob' 'set nojob --priority 5' 'ps nojob' 'why nojob'; do
    # shellcheck disable=SC2086
    out=$(mw $c 2>&1); rc=$?
    is "memwarden ${c% *}: a job that is not there: fails" "$([ $rc -ne 0 ] && echo fails)" fails
    like 'and names it' "$out" nojob
done
out=$(MEMWARDEN_SOCKET=$TMP/none.sock "$MEMWARDEN" jobs 2>&1); rc=$?
is 'a socket that is not there: fails' "$([ $rc -ne 0 ] && echo fails)" fails
like 'and names it' "$out" "$TMP/none.sock"

ok 'the warden lives' kill -0 "$WARDEN_PID"
is 'the job notices nothing' "$(mw jobs --json | jq -c '.. | objects | select(.key? == "'"$good"'") | {key, limit, reservation, priority}')" "$before"
is 'no other job has come' "$(jq -r 'select(.event == "registered") | .job' "$WARDEN_STATE/journal.jsonl" | sort -u)" "$good"
kill "$job"
done_testing
