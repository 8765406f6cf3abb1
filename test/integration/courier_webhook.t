#!/usr/bin/env bash
# runs: v1 v2
# Each incident is posted to the webhook, once, when it is resolved, with the whole
# story that the journal has of it, also over a restart of the warden; a receiver
# that is away, hangs or answers 500 costs time alone, and one that refuses is not
# asked again.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/receiver.sh"

receiver_start || { fail 'a receiver listens'; done_testing; exit; }
cat >"$TMP/hook" <<END
#!/bin/sh
echo "\$MEMWARDEN_JOB" >>$TMP/hooks
END
chmod 755 "$TMP/hook"
warden_start "post-incident-hook = \"note\"
hook note { path = \"$TMP/hook\" }
courier {
start = true
path = \"$MW_BUILD/handler/memwarden-courier\"
user = \"root\"
webhook = \"http://127.0.0.1:$RECEIVER_PORT/memwarden\"
}" || { fail 'a warden'; done_testing; exit; }
run () {        # run NAME [ARG…]: a job that reaches its limit
    local name=$1; shift
    run_job "$name" --reservation 48M --limit 48M "$@" -- "$TOUCHMEM" --size 120M
    wait $!
}
of () { posted "select(.incident == \"$1\") | ${2:-.}"; }
told () { [ -n "$(of "$1")" ]; }
whole () {      # its story is that of the journal
    is "the whole story of $1, in order" "$(of "$1" '.story[]')" \
        "$(jq -c "select(.incident == \"$1\") | del(.st)" "$WARDEN_STATE/journal.jsonl")"
}

run "kill$$" --on-oom 'grow=8M@5s,kill'
is 'a job is killed in its OOM' $? 137
ok 'its incident is posted' wait_for 20 told "kill$$.1"
is 'as JSON' "$(jq -r .type "$TMP/receiver.jsonl")" application/json
is 'it says how it ended, and of whom' \
    "$(of "kill$$.1" '[.event,.trigger,.outcome,.job,.limit]')" \
    "[\"resolved\",\"job\",\"killed\",\"kill$$\",50331648]"
is 'from the beginning to the end' "$(of "kill$$.1" '[.story[0].event, .story[-1].event]')" \
    '["detected","resolved"]'
whole "kill$$.1"
run "grow$$" --on-oom 'grow@60s,kill'
is 'another is lent memory' $? 0
ok 'that, too, is posted' wait_for 20 told "grow$$.1"
whole "grow$$.1"

run_job "held$$" --reservation 48M --limit 48M --on-oom 'hold@3600s,kill' -- \
    "$TOUCHMEM" --size 120M
job=$!
ok 'a third is held' wait_for 20 frozen "held$$"
is 'and not posted before its end' "$(of "held$$.1")" ''
warden_kill9
warden_start || { fail 'the warden comes back'; done_testing; exit; }
ok 'it is given room' mw set "held$$" --limit 200M
mw resume "held$$" 2>/dev/null
wait_end 60 $job; is 'and completes' $? 0
ok 'then it is posted' wait_for 20 told "held$$.1"
whole "held$$.1"

receiver_mode 500
run "busy$$" --on-oom kill
is 'the receiver answers 500: the job is killed all the same' $? 137
tried () { [ "$(received "$1")" -ge "$2" ]; }
ok 'it is tried again' wait_for 30 tried 500 2
receiver_mode hang
run "hang$$" --on-oom kill
is 'it hangs: the job is killed all the same' $? 137
ok 'it is being asked' wait_for 90 tried hang 1
ok 'the hook does not wait for it' wait_for 20 grep -qx "hang$$" "$TMP/hooks"
port=$RECEIVER_PORT
receiver_stop
run "away$$" --on-oom kill
is 'nobody listens: the job is killed all the same' $? 137
receiver_start "$port" || { fail 'somebody listens again'; done_testing; exit; }
for id in busy hang away; do
    ok "$id: posted later" wait_for 150 told "$id$$.1"
done

receiver_mode 400
run "refused$$" --on-oom kill
ok 'a refusal is in the log' wait_for 30 \
    grep -rqE "refused$$.*HTTP status 400" "$TMP/warden.err" "$TMP/warden.log"
receiver_mode 204
run "last$$" --on-oom kill
ok 'the next is posted' wait_for 30 told "last$$.1"
is 'what was refused is not tried again' "$(received 400)" 1
is 'each was posted once' "$(posted .incident | sort | uniq -d)" ''
none_left () { ! ls "$WARDEN_STATE"/spool/req "$WARDEN_STATE"/spool/tmp | grep -qv '^$\|:'; }
ok 'nothing is left in the spool' wait_for 20 none_left
done_testing
