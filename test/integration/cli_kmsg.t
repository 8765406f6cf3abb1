# cli_kmsg.t - memwarden kmsg reads any kernel log, for people and as JSON
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
MEMWARDEN=$MW_BUILD/handler/memwarden
data=$MW_SRC/test/data/kmsg

out=$("$MEMWARDEN" kmsg "$data/linux-3.10-syslog.log")
like 'who was killed' "$out" 'killed +solver, pid 20411, uid 1001'
like 'whose limit it was' "$out" '^Mar  3 11:20:01  n17  /slurm/uid_1001/job_77$'
like 'how many' "$out" '^1 kernel OOM kill$'
json=$("$MEMWARDEN" kmsg --json - <"$data/linux-6.12-kmsg.log")
is 'JSON has every kill' "$(jq -r 'map(.comm) | join(" ")' <<<"$json")" 'leak sh '
is 'missing records are told' "$(jq '.[0].lost_records' <<<"$json")" 3
is 'what the log does not say is null' "$(jq '.[2].pid' <<<"$json")" null
"$MEMWARDEN" kmsg "$TMP/none" >"$TMP/out" 2>"$TMP/err"; rc=$?
is 'no such file: exit status' "$([ $rc -ne 0 ] && echo bad)" bad
like 'no such file: said' "$(cat "$TMP/err")" 'cannot open .*/none'
ok 'the live log ends' timeout 20 "$MEMWARDEN" kmsg /dev/kmsg
done_testing
