#!/usr/bin/env bash
# courier_fair.t - of 3,000 requests of one user and one of another, which comes last,
# that one is done as soon as workers are free again, and nothing is left out
# runs: v1 v2
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/courier.sh"

count=3000
[ "${MW_SLOW:-1}" -eq 1 ] || count=300
cat >"$TMP/note" <<END
#!/bin/sh
echo "\$MEMWARDEN_JOB" >>$TMP/done
END
chmod 755 "$TMP/note"
mkdir -p "$COURIER_STATE"
"$MW_BUILD/test/bin/spoolput" "$COURIER_STATE" init
# request JOB UID SEQ: as the warden writes it
request () {
    local id
    printf -v id '%s.%010d.hook' "$1" "$3"
    printf '{"id":"%s","job":"%s","uid":%d,"slurm_id":0,"op":"hook","arg":"note","text":"{}"}\n' \
        "$id" "$1" "$2" >"$COURIER_STATE/spool/req/$id"
}
for ((i = 1; i <= count; i++)); do request "his$i" 1000 $i; done
request zz 1001 $((count + 1))
courier_start "hook note { path = \"$TMP/note\" timeout = \"60s\" }" ||
    { fail 'the courier starts'; done_testing; exit; }
others () { grep -qx zz "$TMP/done"; }
ok "the other's is done" wait_for 120 others
place=$(grep -nx zz "$TMP/done" | cut -d: -f1)
ok "as the ${place:-?}th of $((count + 1))" [ "${place:-9999}" -le 24 ]
all () { [ "$(wc -l <"$TMP/done")" -gt "$count" ]; }
ok 'in the end all are' wait_for 300 all
is 'each once' "$(sort "$TMP/done" | uniq -d)" ''
empty () { [ -z "$(ls "$COURIER_STATE/spool/req")" ]; }
ok 'and no request is left' wait_for 20 empty
echo "# $(awk '{ print "the courier took", ($14 + $15) / 100, "s of CPU time, its workers", ($16 + $17) / 100 }' "/proc/$COURIER_PID/stat")"
done_testing
