# conf_bad.t - memwardend tells a mistake in its configuration by file and line,
# and does not start with it.
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
wardend=$MW_BUILD/handler/memwardend
conf=$TMP/m.conf

# bad NAME LINE ERE TEXT: the mistake is in LINE, what is said matches ERE
bad () {
    local out rc
    printf %b "$4" >"$conf"
    out=$("$wardend" --check --config "$conf" 2>&1); rc=$?
    is "$1: refused" $rc 1
    like "$1: told by line" "$out" "^memwardend: $conf:$2: .*$3"
}
bad 'unknown option' 2 'did you mean "ladder"' 'syslog = no\nladdr = "kill"\n'
bad 'unknown step' 1 'explode' 'ladder = "explode,kill"\n'
bad 'priority 1001' 1 'from 0 to 1000' 'max-priority = 1001\n'
bad 'burst below the reservation' 1 'from x1' 'burst = x0.9\n'
bad 'negative size' 1 'negative' 'reserve = -1M\n'
bad 'overflowing size' 1 'too large' 'reserve = 99999999999999G\n'
bad 'unknown user' 3 'there is no user' 'courier {\n start = no\n user = nobody-of-that-name\n}\n'
bad 'a section left open' 1 'not closed' 'courier {\n start = no\n'

out=$("$wardend" --check --config "$TMP/absent.conf" 2>&1); rc=$?
is 'a file that is named but absent: refused' $rc 1
like 'and named' "$out" "$TMP/absent.conf"
printf 'node-reserve = 8000P\n' >"$conf"
out=$("$wardend" --check --config "$conf" 2>&1); rc=$?
is 'a node reserve larger than the node: refused' $rc 1
like 'with the numbers' "$out" 'leaves nothing of the node'

printf 'ladr = 1\n' >"$conf"
out=$("$wardend" --foreground --config "$conf" --socket "$TMP/s" --state-dir "$TMP/state" 2>&1); rc=$?
is 'a warden does not start with a broken file' $rc 1
ok 'and touches nothing' [ ! -e "$TMP/state" -a ! -e "$TMP/s" ]
out=$("$wardend" --nonsense 2>&1); rc=$?
is 'an unknown flag: exit 2' $rc 2

out=$("$wardend" --check --config "$MW_SRC/etc/memwarden.conf" 2>&1); rc=$?
is 'the file we ship is good' $rc 0
like 'and what it means is said' "$out" 'ladder +grow@10m,signal=TERM@30s,kill'
done_testing
