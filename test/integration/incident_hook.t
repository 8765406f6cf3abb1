# incident_hook.t - after each incident the admin's post-incident-hook is run, told
# what happened, by the courier; where it hangs or is missing, nothing waits for it
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

cat >"$TMP/note" <<END
#!/bin/sh
cat >$TMP/note.json.new
echo "\$MEMWARDEN_JOB \$MEMWARDEN_HOOK" >$TMP/note.env
mv $TMP/note.json.new $TMP/note.json
END
# what sendmail(8) would be given
printf '#!/bin/sh\ncat >%s/mail.new && mv %s/mail.new %s/mail\n' "$TMP" "$TMP" "$TMP" >"$TMP/sendmail"
install -m 755 "$MW_SRC/contrib/hooks/mail-summary" "$TMP/"
printf 'sendmail=%s/sendmail\ndomain=cluster.example\n' "$TMP" >"$TMP/mail-summary.conf"
chmod 755 "$TMP/sendmail"
printf '#!/bin/sh\necho begun >%s\nexec sleep 1000%d\n' "$TMP/hangs.begun" $$ >"$TMP/hangs"
chmod 755 "$TMP/note" "$TMP/hangs"

start () {      # start HOOK
    warden_start "post-incident-hook = \"$1\"
hook note { path = \"$TMP/note\" }
hook mail { path = \"$TMP/mail-summary\" }
hook hangs { path = \"$TMP/hangs\"
timeout = \"1s\" }
courier {
start = true
path = \"$MW_BUILD/handler/memwarden-courier\"
user = \"root\"
}"
}
run () {        # run NAME: a job that is killed at its limit
    run_job "$1" --reservation 48M --limit 48M --on-oom kill -- "$TOUCHMEM" --size 200M
    wait $!
}

start note
run "told$$"; is 'the job is killed' $? 137
ok 'then the hook is run' wait_for 20 test -e "$TMP/note.json"
is 'it is told what happened' "$(jq -r \
    '"\(.event) \(.trigger) \(.outcome) \(.job) \(.incident) \(.limit)"' "$TMP/note.json")" \
    "resolved job killed told$$ told$$.1 50331648"
is 'also by its environment' "$(cat "$TMP/note.env")" "told$$ note"
warden_stop

start mail
run "mail$$"; is 'a job is killed, of whom its owner is to be mailed' $? 137
ok 'the shipped hook mails him' wait_for 20 test -e "$TMP/mail"
mail=$(python3 -c 'import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
print("%s|%s|%s" % (m["To"], m["Subject"], m.get_content()))' "$TMP/mail")
like 'to whom it belongs, about what' "$mail" \
    "^root@cluster\\.example\\|memwarden: job mail$$: killed\\|Your job mail$$ reached its limit"
like 'with what it has used' "$mail" 'It used at most 4[0-9.]+ MiB of 48 MiB \((9[0-9]|100) %\); its limit is 48 MiB'
warden_stop
rm -f "$TMP/mail"
out=$(printf '%s\n' '{"event":"resolved","trigger":"job","outcome":"killed\u001b[31m","uid":0,"peak":9,"peak_used":9,"reservation":0,"limit":1,"job":"1\nBcc: all@example.org"}' |
    "$TMP/mail-summary" 2>&1)
unlike "nothing can be put into a mail's head" "$(cat "$TMP/mail")" '^Bcc'
unlike 'nor what steers a terminal' "$(cat "$TMP/mail")" "$(printf '\033')"

start hangs
run "hang$$"; is 'a job whose hook hangs is killed' $? 137
ok 'the hook is run' wait_for 20 test -e "$TMP/hangs.begun"
run "next$$"; is 'nobody waits for it' $? 137
hook_gone () { ! pgrep -f "^sleep 1000$$\$" >/dev/null; }
courier_log () { grep -Eq 'hook "?hangs"?.*(time|killed)' "$TMP/warden.err" "$TMP/warden.log"; }
ok 'it is ended when its time is over, and that is said' wait_for 20 courier_log
ok 'nothing of it is left' wait_for 10 hook_gone
warden_stop

printf 'socket = "%s"\nstate-dir = "%s"\nlog-file = ""\npost-incident-hook = "nobody"\n' \
    "$MEMWARDEN_SOCKET" "$WARDEN_STATE" >"$TMP/bad.conf"
out=$("$WARDEND" --check --config "$TMP/bad.conf" 2>&1)
is 'a hook that is not configured is refused' $? 1
like 'by its line, with what would be right' "$out" \
    'bad.conf:4: post-incident-hook: there is no hook nobody; add  hook nobody'
done_testing
