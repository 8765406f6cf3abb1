#!/usr/bin/env bash
# runs: v1 v2
# in-vm: newest-v2
# takes: 60 s
# Each transition of real incidents comes to every webhook that wants it, as the object
# of doc/schema/incident.json or in a ready-made body, signed; a receiver that is away
# for all of them, and kill -9 of courier, desk and warden meanwhile, changes nothing: all
# arrive, in order per job, none twice.  COUNT=200 does that with 200 incidents.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/receiver.sh"

count=${COUNT:-40}
# processes are dear in a VM
[ ! -e /sys/fs/cgroup/cgroup.controllers ] || count=${COUNT:-16}
receiver_start || { fail 'a receiver listens'; done_testing; exit; }
port=$RECEIVER_PORT
printf 'correct horse battery staple\n' >"$TMP/secret"
chmod 600 "$TMP/secret"
hook () {       # hook NAME [LINE…]: at the receiver's /NAME
    local name=$1; shift
    printf 'webhook %s {\nurl = "http://127.0.0.1:%s/%s"\n' "$name" "$port" "$name"
    printf '%s\n' "$@" '}'
}
start () {      # start LINES
    warden_start "courier {
start = true
path = \"$MW_BUILD/handler/memwarden-courier\"
user = \"root\"
}
$1"
}
for path in mad500 madcut madhang madgarbage; do receiver_mode "${path#mad}" "$path"; done
start "$(hook all "secret-file = \"$TMP/secret\"")
$(hook events 'body = cloudevents' 'events = "detected, resolved"')
$(hook alerts 'body = alertmanager')
$(hook chat 'body = slack' 'events = resolved')
$(hook mad500)
$(hook madcut)
$(hook madhang 'timeout = 1s')
$(hook madgarbage)" || { fail 'a warden'; done_testing; exit; }
run () {        # run NAME [ARG…]: a job that reaches its limit
    run_job "$@" --reservation 4M --limit 4M -- "$TOUCHMEM" --size 12M
}
at () { jq -c "select(.status == \"204\" and .path == \"/$1\") | ${2:-.body}" \
    "$TMP/receiver.jsonl"; }
came () { [ -n "$(at "$1" "select(.body | tostring | contains(\"$2\")) | select(.body | tostring | test(\"${3:-.}\"))")" ]; }
valid () {      # all objects on stdin
    python3 -c 'import jsonschema' 2>/dev/null && set -- python3 || set -- /usr/bin/python3
    "$@" -c '
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
check = jsonschema.Draft7Validator(schema)
n = 0
for line in sys.stdin:
    check.validate(json.loads(line))
    n += 1
print(n)' "$MW_SRC/doc/schema/incident.json"
}

# ---- bodies -----------------------------------------------------------------------
run "grow$$" --on-oom 'grow=64M@60s,kill'
wait $!; is 'a job is lent memory' $? 0
run "kill$$" --on-oom kill
wait $!; is 'another is killed' $? 137
for path in all events alerts chat; do
    ok "/$path hears of its end" wait_for 30 came "$path" "kill$$" 'killed'
done
ok '/all of the other, too' wait_for 30 came all "grow$$" resolved
is 'every transition is valid by the schema' "$(at all | valid)" "$(at all | wc -l)"
invalid () { at all | head -n 1 | jq -c "$1" | valid 2>/dev/null; }
is 'which is strict' "$(invalid '.event = "melted"')$(invalid 'del(.incident)')$(invalid '.x = 1')" ''
is 'in order, from the beginning to the end' \
    "$(at all "select(.body.job == \"grow$$\") | .body.event" | jq -r . | paste -sd' ')" \
    "$(jq -r "select(.incident == \"grow$$.1\") | .event" "$WARDEN_STATE/journal.jsonl" | paste -sd' ')"
is 'with how it ended' \
    "$(at all "select(.body.event == \"resolved\" and .body.job == \"kill$$\") | .body | [.trigger,.outcome,.limit]")" \
    '["job","killed",4194304]'
is 'the signature is that of the time and the bytes' "$(python3 -c '
import hashlib, hmac, json, sys
secret, n = open(sys.argv[1]).read().strip().encode(), 0
for line in open(sys.argv[2]):
    r = json.loads(line)
    if r["path"] != "/all": continue
    h = r["headers"]
    mac = hmac.new(secret, (h["memwarden-timestamp"] + "." + r["raw"]).encode(), hashlib.sha256)
    assert h["memwarden-signature"] == "sha256=" + mac.hexdigest(), r
    assert h["idempotency-key"] == r["body"]["key"], r
    n += 1
print("good" if n else "none")' "$TMP/secret" "$TMP/receiver.jsonl")" good
is 'where there is no secret there is no signature' \
    "$(at chat '.headers["memwarden-signature"]' | sort -u)" null
is 'CloudEvents' \
    "$(at events "select(.body.data.job == \"kill$$\") | [.type,.body.specversion,.body.type,.body.id == .body.data.key]" | paste -sd' ')" \
    '["application/cloudevents+json","1.0","memwarden.incident.detected",true] ["application/cloudevents+json","1.0","memwarden.incident.resolved",true]'
is '… of the kinds that are wanted' "$(at events .headers.\"memwarden-event\" | sort -u | paste -sd' ')" \
    '"detected" "resolved"'
is 'Alertmanager: one alert an incident' \
    "$(at alerts '.body[0].labels' | sort -u | grep -c "kill$$")" 1
like '… which ends' "$(at alerts 'select(.body[0].annotations.event == "resolved") | .body[0].endsAt')" Z
like 'Slack' "$(at chat .body.text)" "memwarden on [^:]*: job kill$$: killed"

# ---- servers that are mad ----------------------------------------------------------
# the others have been told meanwhile
for mode in 500 cut hang; do
    tried () { jq -r "select(.path == \"/mad$mode\") | .status" "$TMP/receiver.jsonl" | grep -qx -- "$mode"; }
    ok "one that answers $mode is asked" wait_for 30 tried
    is '… of each job by its first until that is taken' \
        "$(jq -r "select(.path == \"/mad$mode\") | .body | select(.event != \"detected\")" "$TMP/receiver.jsonl")" ''
    receiver_mode 204 "mad$mode"
done
ended () {      # ended PATH STATUS: it has heard of both ends, that it took with STATUS
    [ "$(jq -r "select(.path == \"/$1\" and .status == \"$2\" and .body.event == \"resolved\") | .body.job" \
        "$TMP/receiver.jsonl" | sort -u | wc -l)" = 2 ]
}
ok 'a megabyte of garbage is a yes' wait_for 30 ended madgarbage garbage
is '… which is not asked for twice' "$(jq -r 'select(.path == "/madgarbage") | .body.key' \
    "$TMP/receiver.jsonl" | sort | uniq -d)" ''
for mode in 500 cut hang; do
    ok "nothing is lost by $mode" wait_for 60 ended "mad$mode" 204
done
none_left () { [ -z "$(find "$WARDEN_STATE/outbox" -name '[0-9]*')" ]; }
ok 'nothing is left in the outbox' wait_for 60 none_left
warden_stop
start "$(hook all "secret-file = \"$TMP/secret\"")
$(hook chat 'body = slack' 'events = resolved')" || { fail 'a warden'; done_testing; exit; }

# ---- nobody listens ----------------------------------------------------------------
receiver_stop
: >"$TMP/receiver.jsonl"
last=$(jq -s 'map(.seq) | max' "$WARDEN_STATE/journal.jsonl")
child () {      # child COMM: of the warden's keepers
    pgrep -P "$(pgrep -d , -P "$WARDEN_PID")" -x "$1"
}
batch () {      # batch FROM TO: their incidents, 16 at a time
    local i pids=()
    for ((i = $1; i < $2; i++)); do
        run "j$i" --on-oom kill
        pids+=($!)
        [ ${#pids[@]} -lt 16 ] || { wait "${pids[@]}"; pids=(); }
    done
    [ ${#pids[@]} -eq 0 ] || wait "${pids[@]}"
}
run_job "held$$" --reservation 48M --limit 48M --on-oom 'hold@3600s,kill' -- \
    "$TOUCHMEM" --size 80M
held=$!
# below its limit again by what the kernel has in stock for it, each time that it is looked
run_job "small$$" --reservation 4M --limit 4M --on-oom 'hold@3600s,kill' -- \
    "$TOUCHMEM" --size 12M
small=$!
ok 'one is held over all that' wait_for 20 frozen "held$$"
ok '… and another' wait_for 20 frozen "small$$"
batch 1 $((count / 4))
kill -9 "$(child memwarden-couri)"
batch $((count / 4)) $((count / 2))
kill -9 "$(child memwarden-desk)"
batch $((count / 2)) $((count * 3 / 4))
warden_kill9
warden_start
kill -9 "$(child memwarden-couri)"
batch $((count * 3 / 4)) "$count"
for job in held small; do mw set "$job$$" --limit 100M; mw resume "$job$$"; done 2>"$TMP/resume.err"
wait_end 60 "$held"; is 'it goes on' $? 0
wait_end 60 "$small"; is '… and the other' $? 0
n=$(journal_count "small$$" detected)
ok "… which $count ends of others have made try again $n times" [ "$n" -le 9 ]
since () { jq -r "select(.seq > $last and .event == \"$1\") | .incident" "$WARDEN_STATE/journal.jsonl" | sort -u; }
resolved () { [ "$(since resolved | grep -c '^j')" = $((count - 1)) ] && [ "$(since resolved)" = "$(since detected)" ]; }
ok "$((count - 1)) others' incidents are over" wait_for 60 resolved
is 'nobody has been told' "$(cat "$TMP/receiver.jsonl")" ''
receiver_start "$port" || { fail 'somebody listens again'; done_testing; exit; }
of_journal () {
    jq -r "select(.seq > $last and .incident and .event != \"carried\") | \"\(.incident) \(.seq)\"" \
        "$WARDEN_STATE/journal.jsonl" | sort
}
# what was still on its way before counts not
new () { at all "select(.body.seq > $last) | .body"; }
all_came () { [ "$(new | wc -l)" -ge "$(of_journal | wc -l)" ]; }
ok 'all arrive' wait_for 120 all_came
is '… each transition that the journal has' \
    "$(new | jq -r '"\(.incident) \(.seq)"' | sort | cksum)" "$(of_journal | cksum)"
is '… none twice by its key' "$(new | jq -r .key | sort | uniq -d)" ''
is '… in order in each job' "$(new | jq -rs \
    'group_by(.job) | map(select((map(.seq)) != (map(.seq) | sort))) | length')" 0
is '… and valid' "$(new | valid)" "$(of_journal | wc -l)"
chat () { [ "$(at chat .body | wc -l)" = "$(since resolved | wc -l)" ]; }
ok 'the chat has each end' wait_for 60 chat
ok 'nothing is left in the outbox' wait_for 60 none_left
couriers () { pgrep -f "memwarden-courier .*$WARDEN_STATE"; }
warden_stop
gone () { [ -z "$(couriers)" ]; }
ok 'with the warden its courier ends' wait_for 5 gone

# ---- full, and wrong ---------------------------------------------------------------
receiver_tls && receiver_stop
receiver_start || { fail 'a receiver with TLS'; done_testing; exit; }
: >"$TMP/receiver.jsonl"
: >"$TMP/open"; chmod 644 "$TMP/open"; echo secret >"$TMP/open"
tls () {        # tls NAME [LINE…]
    local name=$1; shift
    printf 'webhook %s {\nurl = "https://localhost:%s/%s"\n' "$name" "$RECEIVER_PORT" "$name"
    printf '%s\n' "$@" '}'
}
start "$(tls known "ca-file = \"$TMP/tls/cert.pem\"")
$(tls stranger)
$(tls lost "ca-file = \"$TMP/tls/cert.pem\"" "secret-file = \"$TMP/none\"")
$(tls public "ca-file = \"$TMP/tls/cert.pem\"" "secret-file = \"$TMP/open\"")
$(hook full 'max-waiting = 2')
$(hook new 'max-waiting = 2' 'when-full = drop-newest')" || exit 1
run "tls$$" --on-oom kill
wait $!
ok 'TLS by a certificate that is known' wait_for 30 came known "tls$$" resolved
log () { grep -hE "$1" "$TMP/warden.err" "$WARDEN_LOG"; }
ok 'one that is not is told nothing, and that is said' wait_for 30 \
    log 'webhook stranger is away: .*(certificate|SSL)'
ok 'no secret: how it must be is said' wait_for 30 \
    log "webhook lost is away: .*secret-file $TMP/none: No such file.*readable for the courier"
ok 'a secret for everybody: that, too' wait_for 30 \
    log "webhook public is away: .*can be read by everybody \(mode 0644\); right would be: chmod o= "
is 'none of them was posted to' "$(jq -r .path "$TMP/receiver.jsonl" | sort -u)" /known
ok 'what is too much is counted: the oldest' wait_for 30 \
    log 'webhook full: [0-9]+ transitions are dropped, the oldest, since 2 wait'
ok '… or the newest' wait_for 30 log 'webhook new: [0-9]+ transitions are dropped, the newest'
kept () { cat "$WARDEN_STATE/outbox/$1"/[0-9]* | jq -r .event | paste -sd' '; }
like 'the end is kept' "$(kept full)" 'resolved$'
like '… or the begin' "$(kept new)" '^detected'
is 'two of each' "$(kept full | wc -w) $(kept new | wc -w)" '2 2'
echo hidden >"$TMP/none.new" && chmod 600 "$TMP/none.new" && mv "$TMP/none.new" "$TMP/none"
ok 'where a secret comes, nothing was lost' wait_for 90 came lost "tls$$" resolved
warden_stop

bad () {        # bad LINES WORDS: an error that says them
    printf 'socket = "%s"\nstate-dir = "%s"\nlog-file = ""\n%s\n' \
        "$MEMWARDEN_SOCKET" "$WARDEN_STATE" "$1" >"$TMP/bad.conf"
    like "refused: ${1//$'\n'/ }" "$("$WARDEND" --check --config "$TMP/bad.conf" 2>&1)" "$2"
}
bad 'webhook x {
}' 'bad.conf:5: webhook x has no url; add  url ='
bad 'webhook x { url = "ftp://h/" }' 'bad.conf:4: url: .*write http:// or https://|write http://'
bad 'webhook x { url = "http://h/" events = "detected,melted" }' \
    'events: "melted" is not allowed; write all, or events'
bad 'webhook x { url = "http://h/" body = xml }' 'write memwarden, cloudevents'
bad 'webhook x { url = "http://h/" when-full = explode }' 'write drop-oldest or drop-newest'
bad 'webhook x { url = "http://h/" max-waiting = 0 }' 'whole number from 1 to 100000'
done_testing
