# events_stress.t - each OOM of 100 jobs is told once, also of jobs that go
# runs: v1 v2
# takes: 160 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"

# 5,000; in the VM, which takes 30 ms and more for each, 300 unless told so
rounds=${MW_STRESS_ROUNDS:-$([ -n "${MW_VARIANT:-}" ] && echo 3 || echo 50)}
out=$("$MW_BUILD"/test/bin/events_stress 100 "$rounds" 2>&1)
rc=$?
echo "# $out"
is 'no event is lost or doubled' "$rc: $out" "0: $(grep ' 0 doubled, 0 lost, 0 wrong$' <<<"$out")"
done_testing
