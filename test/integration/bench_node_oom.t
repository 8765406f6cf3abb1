#!/usr/bin/env bash
# runs: v1 native
# takes: 73 s
# test/bench/node_oom measures what it says: a node that runs out in its VM, one
# hog beside a larger innocent job; memwarden ends the hog and nobody else.
. "$(dirname "$0")/../lib/tap.sh"
bench=$MW_SRC/test/bench/node_oom

for need in qemu-system-x86_64 busybox; do
    command -v $need >/dev/null || skip_all "no $need: contrib/install-deps vm"
done
"$bench" --shapes >"$TMP/said" 2>&1
is 'an option without its value is refused' $? 2
"$bench" --handlers memwarden+ --shapes big --runs 1 --idle 2 --timeout 700 \
    --out "$TMP/out" >"$TMP/said" 2>&1
is 'it ends well' $? 0 || sed 's/^/# /' "$TMP/said"
column () { awk -F '\t' -v c="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) n = i }
    NR == 2 { print $n }' "$TMP/out/node_oom.tsv"; }
is 'the hog is gone' "$(column verdict)" gone
is 'the innocent was not touched' "$(column innocent)" 0
is 'nobody else was' "$(column strangers)" 0
like 'the time of the first action was seen' "$(column act_ms)" '^(-?[0-9.]+|before)$'
like 'the lowest MemAvailable was seen' "$(column lowest_pct)" '^[0-9]+\.'
like 'the table says so' "$(cat "$TMP/out/node_oom.txt")" 'wrong victims: 0 of 1'
if command -v gnuplot >/dev/null; then
    ok 'the picture tells of it' grep -q '0 of 1' "$TMP/out/node_oom.svg"
else
    like 'without gnuplot there is no picture' "$(cat "$TMP/said")" 'no gnuplot'
fi

# a node that dies is the innocent job's death, too
{ "$MW_BUILD/test/bench/bench_node_run" --head
  printf 'memwarden\tbig\t-\tdied%s\n' "$(printf '\t-%.0s' {1..13})"; } >"$TMP/died.tsv"
python3 "$MW_SRC/test/bench/node_oom_report" "$TMP/died.tsv" "$TMP/out/idle.tsv" \
    >"$TMP/died.txt"
is 'a node that died is a wrong victim' $? 1
like 'and said' "$(cat "$TMP/died.txt")" 'memwarden +1 of 1, node died'
done_testing
