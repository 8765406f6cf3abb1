# systemd_journal_once.t - under systemd each line of the warden's is in the journal
# once, though its standard error and syslog both end there, and with its priority; what
# is about a job has fields to look for
# runs: systemd
. "$(dirname "$0")/../lib/tap.sh"
[ -d /run/systemd/system ] || skip_all "systemd does not run here"
touchmem=$MW_BUILD/test/bin/touchmem
at_exit 'systemctl stop memwardend 2>/dev/null'

for dir in lib handler etc; do make -C "$MW_BUILD/$dir" install; done >"$TMP/install" 2>&1
is 'it is installed' $? 0
systemctl daemon-reload
ok 'the unit starts' systemctl start memwardend
memwarden run --name once --reservation 64M --limit 64M --on-oom kill -- \
    "$touchmem" --size 150M >"$TMP/once" 2>&1
is 'a job is killed in its OOM' $? 137
said () { journalctl -u memwardend -o cat --no-pager; }
released () { said | grep -q 'job once: released'; }
ok 'its end is in the journal' wait_for 30 released
for line in 'is ready' 'once reached its limit' 'once: to be killed' 'once: killed' \
    'once: released'; do
    is "once: $line" "$(said | grep -c -- "$line")" 1
done
is 'with its priority, that of a notice' "$(journalctl -u memwardend -o json --no-pager |
    jq -r 'select(.MESSAGE | test("once: to be killed")) | .PRIORITY')" 5
is 'with its fields' "$(journalctl -o json --no-pager MEMWARDEN_JOB=once MEMWARDEN_STEP=kill |
    jq -r 'select(.MESSAGE | test("to be killed")) | .MEMWARDEN_INCIDENT + " " + ._SYSTEMD_UNIT')" \
    'once.1 memwardend.service'
is 'its end is found by its name' "$(journalctl -o cat --no-pager MEMWARDEN_JOB=once |
    grep -c 'job once: released')" 1
ok 'the unit stops' systemctl stop memwardend
ends () { said | grep -q 'memwardend ends'; }
ok 'that is told, too' wait_for 30 ends
is 'once' "$(said | grep -c 'memwardend ends')" 1
done_testing
