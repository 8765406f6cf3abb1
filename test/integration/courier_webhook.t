#!/usr/bin/env bash
# runs: v1 native
# The courier posts JSON to the webhook, tries again while nobody listens, gives
# the request up when the server refuses it, and needs no Slurm for any of it; a
# hook gets the JSON on its standard input and is bounded in time.
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
printf '#!/bin/sh\nread -r l\necho "$MEMWARDEN_JOB $l" >%s/hooked\n' "$TMP" >"$TMP/good"
printf '#!/bin/sh\nexit 3\n' >"$TMP/bad"
printf '#!/bin/sh\nsleep 1000\n' >"$TMP/slow"
chmod 755 "$TMP"/{good,bad,slow}
hook () { printf 'hook %s {\npath = "%s"\ntimeout = "%s"\n}\n' "$1" "$TMP/$1" "$2"; }
COURIER_OPTION="webhook = \"http://127.0.0.1:$port/memwarden\"" \
    courier_start "$(hook good 10s)" "$(hook bad 10s)" "$(hook slow 1s)"

is 'posted' "$(ask webhook a text='{"job":"a"}')" 'ok 204 posted'
is 'as JSON' "$(cat "$TMP/posted")" 'application/json {"job":"a"}'
is 'refused by the server: not again' \
    "$(ask webhook a text='{"refuse":1}')" 'no 400 webhook: HTTP status 400'
kill "$listener"; wait "$listener" 2>/dev/null
id=$(put webhook b text='{"job":"b"}')
ok 'nobody listens: it waits' wait_for 20 grep -q "$id: attempt 1" "$COURIER_LOG"
listen "$port"
is 'somebody listens again: posted' "$(take 60)" "$id ok 204 posted"

is 'a hook is run' "$(ask hook c arg=good text='{"job":"c"}')" \
    'ok 0 hook "good" done'
is 'with its job and the JSON' "$(cat "$TMP/hooked")" 'c {"job":"c"}'
is 'a hook that fails: its exit status' "$(ask hook c arg=bad)" \
    'no 3 hook "bad" failed: exit status 3'
is 'a hook that does not end is killed' "$(ask hook c arg=slow)" \
    'no 110 hook "slow" did not end in its time; killed'
is 'an unknown hook is refused' "$(ask hook c arg=none)" \
    'no 2 no hook "none" is configured'
printf 'not json' >"$TMP/x"; cp "$TMP/x" "$COURIER_STATE/spool/tmp/d.0000000001.hook"
mv "$COURIER_STATE/spool/tmp/d.0000000001.hook" "$COURIER_STATE/spool/req/"
like 'a file that is no request is answered and removed' "$(take 20)" \
    '^d.0000000001.hook no 71 '
done_testing
