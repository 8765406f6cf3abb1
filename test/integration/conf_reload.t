# conf_reload.t - SIGHUP takes the whole new file, or keeps the whole old one.
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

log_has () { grep -q -- "$1" "$TMP/warden.log"; }
# ladder_of NAME: of a job that is registered now
ladder_of () {
    run_job "$1" --reservation 32M -- "$TOUCHMEM" --size 1M --stay 600
    local pid=$!
    wait_for 10 journal_has "$1" registered
    jq -r --arg k "$1" 'select(.job == $k and .event == "registered") | .st.ladder' \
        "$WARDEN_STATE/journal.jsonl" | tail -n 1
    kill "$pid"
}
# write EXTRA: the file of warden_start with other lines behind it
write () {
    head -n 4 "$WARDEN_CONF" >"$WARDEN_CONF.new"
    printf %b "$1" >>"$WARDEN_CONF.new"
    mv "$WARDEN_CONF.new" "$WARDEN_CONF"
}

warden_start 'ladder = "hold@1m,kill"'
is 'the file is used' "$(ladder_of "a$$")" 'hold@1m,kill'

write 'ladder = "grow@1m,kill"\nreserve = 200%\n'
kill -HUP "$WARDEN_PID"
ok 'a broken file is told by its line' wait_for 10 log_has "$WARDEN_CONF:6: reserve"
ok 'the warden lives' mw jobs
is 'and nothing of the broken file is used' "$(ladder_of "b$$")" 'hold@1m,kill'

write 'ladder = "grow@1m,kill"\nnode-reserve = 8000P\n'
kill -HUP "$WARDEN_PID"
ok 'a node reserve larger than the node is told' wait_for 10 log_has 'leaves nothing of the node'
is 'and nothing of that file is used either' "$(ladder_of "c$$")" 'hold@1m,kill'

rm "$WARDEN_CONF"
kill -HUP "$WARDEN_PID"
ok 'an absent file is told' wait_for 10 log_has "cannot read $WARDEN_CONF"
is 'and the old one kept' "$(ladder_of "d$$")" 'hold@1m,kill'

printf '%s\n' "socket = \"$MEMWARDEN_SOCKET\"" "state-dir = \"$WARDEN_STATE\"" \
    "log-file = \"$TMP/warden.log\"" 'syslog = no' 'ladder = "grow@1m,kill"' >"$WARDEN_CONF"
kill -HUP "$WARDEN_PID"
ok 'a good file is taken' wait_for 10 log_has 'configuration read again'
is 'whole' "$(ladder_of "e$$")" 'grow@1m,kill'
done_testing
