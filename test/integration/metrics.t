#!/usr/bin/env bash
# runs: v1 v2
# takes: 20 s
# The metrics file: valid, with the numbers of a real run, read by a real Prometheus with
# the shipped rules and dashboard; no name of a user's in it; bad paths are said.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"

prom=$TMP/prom.d/memwarden.prom grafana=$MW_SRC/contrib/grafana
mkdir "$TMP/prom.d"
metric () { grep -F -- "$1 " "$prom" | awk -v m="$1" 'index ($0, m " ") == 1 { print $NF }'; }
shows () { [ "$(metric "$1")" = "$2" ]; }
conf () { echo "metrics-file = \"$1\"
metrics-interval = \"1s\"
node-reserve = \"1M\"
max-burst = \"x8\"
courier { start = false }"; }
warden_start "$(conf "$prom")"
ok 'the file is there' wait_for 10 test -e "$prom"
is 'nodes may read it' "$(stat -c %a "$prom")" 644

run_job killed$$ --reservation 48M --limit 48M --on-oom kill -- "$TOUCHMEM" --size 100M
wait $!
ok 'a job that was killed is counted, by trigger, step and outcome' wait_for 20 shows \
    'memwarden_incidents_total{trigger="job",step="kill",outcome="killed"}' 1
run_job held$$ --reservation 16M --limit 16M -- sleep 1000
run_job grown$$ --reservation 64M --limit 64M --on-oom grow@10m,kill -- "$TOUCHMEM" \
    --size 100M --stay 0
at_failure 'cat "$prom"'
lent () { [ "$(metric memwarden_jobs_lent_bytes)" -gt 0 ] 2>/dev/null; }
ok 'what is lent is seen' wait_for 20 lent
ok 'so are the jobs' wait_for 20 shows memwarden_jobs 2
is 'and what they have reserved' "$(metric memwarden_jobs_reserved_bytes)" $((80 << 20))
settled () { u=$(metric memwarden_jobs_used_bytes); [ "$u" -ge $((100 << 20)) ] && [ "$u" -lt $((112 << 20)) ]; }
ok 'and what they use' wait_for 20 settled
ok 'it is held' mw hold held$$
ok 'which is seen' wait_for 20 shows memwarden_jobs_held 1
mw resume held$$

like 'what was lent in all is what the journal has' "$(metric memwarden_lent_bytes_total)" \
    "^$(jq -s 'map (select (.event == "lent" and .bytes) | .bytes) | add' "$WARDEN_STATE/journal.jsonl")\$"
is 'each deed was timed' "$(( $(metric memwarden_deed_seconds_count) >= 3 ))" 1
out=$(promtool check metrics <"$prom" 2>&1)
is 'promtool finds nothing wrong with it' "$?:$out" '0:'
unlike 'no job and no name is in it' "$(cat "$prom")" "killed$$|grown$$|held$$|sleep"
is 'it is not long, whatever runs' "$(( $(grep -vc '^#' "$prom") < 100 ))" 1

# ---- a real Prometheus
cat >"$TMP/serve.py" <<'END'
import http.server, os, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open(sys.argv[1], 'rb').read()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; version=0.0.4')
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
s = http.server.HTTPServer(('127.0.0.1', 0), H)
open(sys.argv[2] + '.new', 'w').write(str(s.server_port))
os.rename(sys.argv[2] + '.new', sys.argv[2])
s.serve_forever()
END
python3 "$TMP/serve.py" "$prom" "$TMP/serve.port" & server=$!
at_exit "kill $server"
ok 'what node_exporter would be is up' wait_for 20 test -e "$TMP/serve.port"
cat >"$TMP/prometheus.yml" <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ $grafana/memwarden.rules.yml ]
scrape_configs:
  - job_name: node
    static_configs: [ { targets: [ "127.0.0.1:$(cat "$TMP/serve.port")" ] } ]
END
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
GOMAXPROCS=1 prometheus --config.file="$TMP/prometheus.yml" --storage.tsdb.path="$TMP/tsdb" \
    --web.listen-address="127.0.0.1:$port" >"$TMP/prometheus.log" 2>&1 & prometheus=$!
at_exit "kill $prometheus; wait $prometheus"
query () { curl -sS -G --data-urlencode "query=$1" "http://127.0.0.1:$port/api/v1/query"; }
value () { query "$1" 2>/dev/null | jq -r '.data.result[0].value[1]'; }
has () { [ "$(value "$1")" = "$2" ]; }
ok 'Prometheus scrapes it' wait_for 60 has memwarden_jobs 2
is 'and has the same number of killed jobs' \
    "$(value 'sum(memwarden_incidents_total{outcome="killed"})')" 1
ok 'it has the shipped rules' promtool check rules "$grafana/memwarden.rules.yml"
healthy () { [ "$(curl -sS "http://127.0.0.1:$port/api/v1/rules" |
    jq -r '[.data.groups[].rules[].health] | unique | join(" ")')" = ok ]; }
ok 'and can compute each of them' wait_for 30 healthy
# shellcheck disable=SC2016    # Grafana's
any='$instance' bad= n=0
while IFS= read -r expr; do
    n=$((n + 1))
    [ "$(query "${expr//"$any"/.*}" | jq -r .status)" = success ] || bad+="$expr; "
done < <(jq -r '.panels[].targets[].expr' "$grafana/memwarden.json")
is "each query of the dashboard is one ($n)" "$bad" ''
used=$(jq -r '.panels[].targets[].expr' "$grafana/memwarden.json"; cat "$grafana/memwarden.rules.yml")
unknown=
for name in $(grep -oE 'memwarden_[a-z_]+' <<<"$used" | sort -u); do
    grep -Eq "^$name( |\{)" "$prom" || unknown+="$name "
done
is 'and none of a metric that is not there' "$unknown" ''

warden_stop
ok 'a warden that has ended says so' shows memwarden_up 0
firing () { has 'ALERTS{alertname="MemwardenStopped"}' 1; }
ok 'which the shipped alert sees' wait_for 30 firing

# ---- what is wrong is said
while IFS='|' read -r path what; do
    printf 'metrics-file = "%s"\n' "$path" >"$TMP/bad.conf"
    like "\"$path\" is refused, by its line" "$("$WARDEND" --check --config "$TMP/bad.conf" 2>&1)" "$what"
done <<'END'
memwarden.prom|bad.conf:1: metrics-file: .*write an absolute path that ends in \.prom
/var/lib/memwarden.txt|bad.conf:1: metrics-file: .*ends in \.prom, as node_exporter reads no other
END
WARDEN_LOG=$TMP/second.log
warden_start "$(conf "$TMP/nowhere/memwarden.prom")"
said () { grep -q "cannot write metrics-file $TMP/nowhere/memwarden.prom; its directory.*No such file" "$WARDEN_LOG"; }
ok 'a directory that is not there is said; the warden guards all the same' wait_for 10 said
mkdir "$TMP/nowhere"
ok 'when it is, it is written' wait_for 10 test -e "$TMP/nowhere/memwarden.prom"
sed -i "s|^metrics-file.*|metrics-file = \"$TMP/nowhere/other.prom\"|" "$WARDEN_CONF"
kill -HUP "$WARDEN_PID"
ok 'another path takes its place at a reload' wait_for 10 test -e "$TMP/nowhere/other.prom"
ok 'and what was told elsewhere is not there twice' wait_for 10 test ! -e "$TMP/nowhere/memwarden.prom"
goes_on () { grep -q 'metrics-file .* is written again' "$WARDEN_LOG"; }
ok 'which is said, too' wait_for 10 goes_on
done_testing
