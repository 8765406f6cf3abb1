# courier_hook.t - a hook is bounded in its output and its time, leaves nothing
# behind, and is run only if nobody but root can change it.  Here each request is put
# into the spool by hand; those of real incidents: incident_hook.t, step_dump.t.
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/courier.sh"

hook () {       # NAME TIMEOUT: script on standard input
    cat >"$TMP/$1"; chmod 755 "$TMP/$1"
    hooks+="hook $1 { path = \"$TMP/$1\" timeout = \"$2\" }"$'\n'
}
hooks=
hook good 10s <<EOF2
#!/bin/sh
read -r l
echo "\$MEMWARDEN_JOB \$MEMWARDEN_MEMCG \$l"
EOF2
hook bad 10s <<<$'#!/bin/sh\nexit 3'
hook slow 1s <<<$'#!/bin/sh\necho begun\nsleep 1000'
hook flood 10s <<<$'#!/bin/sh\nprintf "\\033[2Jfirst\\n\\n"\nhead -c 3000000 /dev/zero | tr "\\0" x'
hook leaves 10s <<EOF2
#!/bin/sh
sleep 100000 & echo \$! >$TMP/left
echo done
EOF2
hook killed 10s <<<$'#!/bin/sh\nkill -9 $$'
hook writable 10s <<<'#!/bin/sh'
chmod 757 "$TMP/writable"
hook nobodys 10s <<<'#!/bin/sh'
chown nobody "$TMP/nobodys"
hook plain 10s <<<'#!/bin/sh'
chmod 644 "$TMP/plain"
mkdir "$TMP/dir"; printf '#!/bin/sh\n' >"$TMP/dir/x"; chmod 755 "$TMP/dir/x"; chmod 777 "$TMP/dir"
hooks+="hook below { path = \"$TMP/dir/x\" }"$'\n'
ln -s "$TMP/dir/x" "$TMP/link"
hooks+="hook link { path = \"$TMP/link\" }"$'\n'
courier_start "$hooks" || { fail 'the courier starts'; done_testing; exit; }

is 'it gets job, memcg and JSON' "$(ask hook c arg=good text='{"memory":"/m","job":"c"}')" \
    'ok 0 hook "good" done: c /m {"memory":"/m","job":"c"}'
is 'its exit status' "$(ask hook c arg=bad)" 'no 3 hook "bad" failed: exit status 3'
is 'killed' "$(ask hook c arg=killed)" 'no 137 hook "killed" died of signal 9'
is 'one that does not end is, and what it wrote is kept' "$(ask hook c arg=slow)" \
    'no 110 hook "slow" did not end in its time; killed: begun'
out=$(ask hook c arg=flood)
like 'of a flood the beginning is kept, tamed' "$out" '^ok 0 hook "flood" done: \?\[2Jfirst \| x+$'
ok 'and not more than there is room for' test ${#out} -lt 700
is 'one that leaves a process behind is done when it ends itself' \
    "$(ask hook c arg=leaves)" 'ok 0 hook "leaves" done: done'
left () { kill -0 "$(cat "$TMP/left")" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$(cat "$TMP/left")/status"; }
not_left () { ! left; }
ok 'and what it left is ended' wait_for 10 not_left
like 'others may write it: not run' "$(ask hook c arg=writable)" 'no 1 .*/writable can be changed'
like 'another owns it: not run' "$(ask hook c arg=nobodys)" 'no 1 .*/nobodys can be changed'
like 'others may write its directory: not run' "$(ask hook c arg=below)" 'no 1 .*/dir can be changed'
like 'behind a link too' "$(ask hook c arg=link)" 'no 1 .*/dir can be changed'
like 'it cannot be executed' "$(ask hook c arg=plain)" 'no 13 cannot run hook .*Permission denied'
like 'none of that name' "$(ask hook c arg=none)" '^no 2 no hook "none" is configured'
like 'the built-in one needs a memcg' "$(ask hook c text='{}')" '^no 22 no memcg is named'
like 'that is there' "$(ask hook c text='{"memory":"/none"}')" '^no 2 cannot open /none'
done_testing
