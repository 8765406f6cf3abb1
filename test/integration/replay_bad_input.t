# replay_bad_input.t - `memwarden replay` of what is no journal, is cut off, is of a
# newer version, or by a broken configuration: said, with an exit code of its own
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
export MEMWARDEN_SOCKET=$TMP/none
mw () { "$MW_BUILD/handler/memwarden" replay --config "$TMP/conf" "$@" 2>&1; }
try () { out=$(mw "${@:2}"); is "$1" "$?" "$want"; }
printf 'order = "overage"\n' >"$TMP/conf"

cat >"$TMP/journal" <<'EOT'
{"t":"2026-11-21T01:02:03.000000Z","ms":1,"seq":1,"event":"boot","text":"journal begins","boot":"x"}
{"t":"2026-11-21T01:02:03.000000Z","ms":1,"seq":2,"event":"decision","text":"","decision":{"v":1,"id":2,"head":{"of":1,"need":1048576,"covered":9048576,"stalls":0,"at_limit":false,"order":"overage","ladder":"reclaim,suspend@10m,requeue,kill","memory":1073741824,"capacity":1020054732,"used":0,"available":53687092,"reserve":53687092,"swap_free":0,"swap_total":0},"job":[["7","alice",0,1000,500,500,1048576,1048576,0,9048576,0,1000,1,7,1]],"plan":[0,1]}}
EOT
want=6; try 'at that moment the node had all of its reserve: none needed' "$TMP/journal"
like 'is said of a decision that is not the same' "$(mw "$TMP/journal")" \
    'now .* not yet out of memory at that moment'
sed -i 's/"available":53687092/"available":52638516/' "$TMP/journal"
want=0; try 'a MiB short of it: the same' "$TMP/journal"
want=0; try 'no decision at all is none' <(head -n 1 "$TMP/journal")
like 'and that is said' "$(head -n 1 "$TMP/journal" | mw -)" '^0 decisions about the node'
want=1; try 'no journal' /etc/passwd
like 'and that is said' "$out" 'no journal of memwardend'
want=1; try 'no file' "$TMP/nothing"
like 'and it is named' "$out" 'cannot open .*/nothing: No such file'
want=1; try 'a newer version' <(sed 's/"v":1/"v":2/' "$TMP/journal")
like 'and it is named' "$out" 'record 2: .* version 2, this memwarden reads 1'
want=1; try 'nobody to be chosen twice' <(sed 's/"plan":.0,1/&,0,1/' "$TMP/journal")
want=1; try 'cut off' <(sed 's/,"plan":.*/}}/' "$TMP/journal")
like 'and that is said' "$out" 'decision 2 is not whole'
unlike 'a hostile name is not shown' \
    "$(sed 's/\["7"/["\\u001b[2J"/' "$TMP/journal" | mw -)" $'\e'
printf 'order = "smallest"\n' >"$TMP/conf"
want=2; try 'a broken configuration' "$TMP/journal"
like 'its line is named' "$out" 'conf:1: '
printf 'node-reserve = "2G"\n' >"$TMP/conf"
want=1; try 'one that leaves the jobs nothing' "$TMP/journal"
like 'and that is said' "$out" 'leaves nothing'
printf 'order = "overage"\n' >"$TMP/conf"
want=2; try 'two journals' "$TMP/journal" "$TMP/journal"
if su -s /bin/sh nobody -c "test -x '$MW_BUILD/handler/memwarden'"; then
    out=$(su -s /bin/sh nobody -c "'$MW_BUILD/handler/memwarden' replay --config '$TMP/conf'" 2>&1)
    is 'somebody who is not root' $? 4
    like 'is told what is his to see' "$out" 'memwarden why'
else
    skip 'somebody who is not root' 'the build is not his to run'
fi
done_testing
