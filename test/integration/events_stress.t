# events_stress.t - of 10,000 OOMs each is told once, also of jobs that go
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"

out=$("$MW_BUILD"/test/bin/events_stress 100 "${MW_STRESS_ROUNDS:-100}" 2>&1)
rc=$?
echo "# $out"
is 'no event is lost or doubled' "$rc: $out" "0: $(grep ' 0 doubled, 0 lost, 0 wrong$' <<<"$out")"
done_testing
