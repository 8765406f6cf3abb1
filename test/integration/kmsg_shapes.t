# kmsg_shapes.t - memwarden kmsg reads the kernel's kills out of every log that is met
# in life, each field right; what it cannot read is said, never "0 kills"
# runs: v1
# takes: 43 s
. "$(dirname "$0")/../lib/tap.sh"
MEMWARDEN=$MW_BUILD/handler/memwarden
# cases: from life; forms: after mm/oom_kill.c; held-out: written by one who had not
# read the reader, 8 of 35 not read right at first
data=$MW_SRC/test/data/kmsg

# what $2 has otherwise than $1 expects
differs () {
    jq -rn --slurpfile want "$1" --slurpfile got "$2" '
        $want[0].kills as $w | $got[0] as $g |
        if ($w | length) != ($g | length) then "\($g | length) kills, not \($w | length)" else
            range($w | length) as $i | $w[$i] | to_entries[] |
            (if .key == "ntrace" then ($g[$i].trace | length) else $g[$i][.key] end) as $is |
            select($is != .value) | "[\($i)].\(.key): \($is), not \(.value)" end'
}
shape () {          # NAME LOG…: read, it is what case NAME expects
    local name=$1 expect; shift
    expect=$(ls "$data"/*/"$name.expect.json")
    if "$MEMWARDEN" kmsg --json "$@" >"$TMP/got" 2>"$TMP/err"; then
        is "$name" "$(differs "$expect" "$TMP/got" 2>&1)" ''
    else
        fail "$name" "$(cat "$TMP/err")"
    fi
}
for log in "$data"/{cases,forms,held-out}/*.log; do
    name=$(basename "$log" .log)
    case $name in
        54-*) "$MEMWARDEN" kmsg --json "$log" >"$TMP/got" &&
              is "$name: what is in it" "$(jq -r '.[].pid' "$TMP/got")" 501 ;;
        *) shape "$name" "$log"* ;; # with what was rotated
    esac
done

# one log in all its keepers' forms
b=13-dmesg-x
sed 's/^kern  :warn  : //' "$data/cases/$b.log" >"$TMP/plain"
form () { sed "$1" "$TMP/plain" >"$TMP/form"; shape "$b" "$TMP/form"; }
form 's/^/<4>/'
form 's/^/kern  :warn  : /; s/\[ *[0-9.]*\]/[Thu Nov 26 09:00:00 2026]/'
form 's/^\[ *\([0-9.]*\)\]/[    \1 <    0.000010>]/'
form 's/^\[[^]]*\] /[  +0.000010] /'
form 's/\] /][  T501] /'
form 's/\] /] [ C1] /'
form 's/^/cn12: /'
form 's/^/reader_1  | /'
form 's/^/2026-01-12T20:27:31.913975630Z stdout F /'
form 's/^/[pod\/a\/b] 2026-01-12T20:27:31.913975630Z /'
form 's/^/\r/; s/$/\r/'
form 's/^\[[^]]*\] /Thu 2026-11-26 09:00:00 UTC cn12 kernel: /'
form 's/^\[[^]]*\] /1750000000.123456 cn12 kernel: /'
form 's/^\[[^]]*\] /2026-11-26T09:00:00+0100 cn12 kernel: /'
form 's/^\[[^]]*\] /\/var\/log\/messages-20261101:Nov 26 09:00:00 cn12 kernel: /'
form 's/^\[[^]]*\] /2026-11-26 09:00:00 cn12 /'
form 's/^\[[^]]*\] /2026-11-26 09:00:00 login /'
form 's/^\[[^]]*\] /<4>1 2026-03-01T10:00:00Z cn12 kernel - - [meta n="1"] /'
form 's/^\[[^]]*\] //'
form 's/^\[[^]]*\] /6.12.0-55.el10.x86_64,4,1,9100000,-;/'
form 's/^\[[^]]*\] /2026-11-26T09:00:00Z {host="cn12", transport="kernel"} /'
fold -w 80 "$TMP/plain" | sed 's/^/> /' >"$TMP/form"; shape "$b" "$TMP/form"
message () { sed 's/^\[[^]]*\] //' "$TMP/plain"; }
n=0; message | while IFS= read -r line; do
    printf '__CURSOR=s=a;i=%d\n_TRANSPORT=kernel\n_HOSTNAME=cn12\nMESSAGE=%s\n\n' $((n++)) "$line"
done >"$TMP/form"; shape "$b" "$TMP/form"
message | while IFS= read -r line; do       # a counted value, its length in 8 bytes
    printf '__CURSOR=s=a\n_TRANSPORT=kernel\nMESSAGE\n'
    printf "\\x$(printf %x $((${#line} % 256)))\\x$(printf %x $((${#line} / 256)))\\0\\0\\0\\0\\0\\0%s\n\n" "${line//%/%%}"
done >"$TMP/form"; shape "$b" "$TMP/form"
message | while IFS= read -r line; do
    printf '%s\n' 'Thu 2026-11-26 09:00:00.123400 UTC [s=a;i=1;b=2;m=3;t=4;x=5]' '    _TRANSPORT=kernel' "    MESSAGE=$line"
done >"$TMP/form"; shape "$b" "$TMP/form"
message | jq -R '{_TRANSPORT: "kernel", MESSAGE: .}' >"$TMP/form"; shape "$b" "$TMP/form"
message | jq -R '{_TRANSPORT: "kernel", MESSAGE: .}' | jq -s . >"$TMP/form"; shape "$b" "$TMP/form"
message | jq -Rc '{_TRANSPORT: "kernel", MESSAGE: explode}' >"$TMP/form"; shape "$b" "$TMP/form"
jq -Rc '{log: (. + "\n"), stream: "stdout", time: "2026-01-12T20:27:31.9Z"}' "$TMP/plain" >"$TMP/form"; shape "$b" "$TMP/form"
jq -Rc '{hostname: "cn12", syslogtag: "kernel:", msg: (" " + .)}' "$TMP/plain" >"$TMP/form"; shape "$b" "$TMP/form"
# said by another than the kernel
message | jq -Rc '{_TRANSPORT: "syslog", SYSLOG_IDENTIFIER: "kernel", MESSAGE: .}' >"$TMP/form"
is 'a journal entry that is not the kernel'"'"'s' "$("$MEMWARDEN" kmsg --json "$TMP/form")" '[]'

sed 's/^/2026-11-26T09:00:00Z stdout F /' < <(jq -Rc '{log: ., stream: "stdout"}' "$TMP/plain") >"$TMP/form"; shape "$b" "$TMP/form"
message | sed 's/.*/2026-11-26 09:00:00.000,"Nov 26 09:00:00 cn12 kernel: &"/' >"$TMP/form"; shape "$b" "$TMP/form"

# compressed, in pieces, rotated
gzip -c "$TMP/plain" >"$TMP/form"; shape "$b" "$TMP/form"
{ head -n 3 "$TMP/plain" | gzip; tail -n +4 "$TMP/plain" | gzip; } >"$TMP/form"; shape "$b" "$TMP/form"
xz -c "$TMP/plain" >"$TMP/form"; shape "$b" "$TMP/form"
shape "$b" - <"$TMP/form"
head -n 3 "$TMP/plain" | gzip >"$TMP/kern.log.10.gz"
sed -n 4,5p "$TMP/plain" | xz >"$TMP/kern.log.2.xz"
sed -n 6,7p "$TMP/plain" >"$TMP/kern.log.1"
tail -n +8 "$TMP/plain" >"$TMP/kern.log"
shape "$b" "$TMP"/kern.log*

# what it cannot read
unread () {         # NAME WHAT-IS-SAID FILE
    "$MEMWARDEN" kmsg "$3" >"$TMP/out" 2>"$TMP/err"
    is "$1: exit status" $? 1
    like "$1: is said" "$(cat "$TMP/err")" "$2"
    unlike "$1: no count" "$(cat "$TMP/out")" '^0 '
}
gzip -c "$TMP/plain" | head -c 200 >"$TMP/form"; unread 'a gzip that is cut off' 'finds it broken' "$TMP/form"
xz -c "$TMP/plain" | head -c 200 >"$TMP/form"; unread 'an xz that is cut off' 'finds it broken' "$TMP/form"
printf 'LPKSHHRH\0\0\0\0' >"$TMP/form"; unread 'a journal' 'journalctl -k --file=FILE' "$TMP/form"
printf '\x28\xb5\x2f\xfd\0\0\0\0' >"$TMP/form"; unread 'zstd' 'zstdcat' "$TMP/form"
head -c 4000 "$MEMWARDEN" >"$TMP/form"; unread 'a program' 'no line of a kernel.s log' "$TMP/form"
sed 's/^\[[^]]*\]/2026-11-26 09:00:00 | cn12 | of the kernel:/' "$TMP/plain" >"$TMP/form"
unread 'words before it that nobody knows' 'no line of a kernel.s log' "$TMP/form"
echo 'dear diary' >"$TMP/form"; unread 'a letter' 'no line of a kernel.s log' "$TMP/form"
echo '[  1.000001] Memory cgroup out of memory: Killed process 42 (m) total-vm:900kB, anon-' >"$TMP/form"
unread 'a kill that is cut off' 'lines of 1 kill are cut off' "$TMP/form"
: >"$TMP/form"; is 'nothing has no kills' "$("$MEMWARDEN" kmsg "$TMP/form")" '0 kernel OOM kills'
done_testing
