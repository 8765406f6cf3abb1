#!/usr/bin/env bash
# runs: v1 native
# The courier posts JSON to the webhook, tries again while nobody listens, gives
# the request up when the server refuses it, and needs no Slurm for any of it.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/courier.sh"

unset SLURM_CONF
cat >"$TMP/listen.py" <<'END'
import http.server, sys
out, port_file, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        with open(out, 'ab') as f:
            f.write(self.headers['Content-Type'].encode() + b' ' + body + b'\n')
        self.send_response(400 if b'refuse' in body else 204)
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(('127.0.0.1', port), Handler)
with open(port_file, 'w') as f:
    f.write(str(server.server_port))
server.serve_forever()
END
listen () {     # PORT (0: any)
    rm -f "$TMP/port"
    python3 "$TMP/listen.py" "$TMP/posted" "$TMP/port" "$1" &
    listener=$!
    wait_for 10 test -s "$TMP/port"
}
at_exit 'kill $listener'
listen 0
port=$(cat "$TMP/port")
COURIER_OPTION="webhook = \"http://127.0.0.1:$port/memwarden\"" \
    courier_start

is 'posted' "$(ask webhook a text='{"job":"a"}')" 'ok 204 posted'
is 'as JSON' "$(cat "$TMP/posted")" 'application/json {"job":"a"}'
is 'refused by the server: not again' \
    "$(ask webhook a text='{"refuse":1}')" 'no 400 webhook: HTTP status 400'
kill "$listener"; wait "$listener" 2>/dev/null
id=$(put webhook b text='{"job":"b"}')
ok 'nobody listens: it waits' wait_for 20 grep -q "$id: attempt 1" "$COURIER_LOG"
listen "$port"
is 'somebody listens again: posted' "$(take 60)" "$id ok 204 posted"

printf 'not json' >"$TMP/x"; cp "$TMP/x" "$COURIER_STATE/spool/tmp/d.0000000001.hook"
mv "$COURIER_STATE/spool/tmp/d.0000000001.hook" "$COURIER_STATE/spool/req/"
like 'a file that is no request is answered and removed' "$(take 20)" \
    '^d.0000000001.hook no 71 '
done_testing
