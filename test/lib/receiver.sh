# receiver.sh - a small HTTP server for what is posted.  Source tap.sh first.
#
#   receiver_start [PORT]     on the loopback; sets RECEIVER_PORT; mode ok
#   receiver_stop
#   receiver_mode MODE        how it answers from now on: a status (204, 500, …),
#                             or hang: it takes the request and says nothing
#   posted [JQ-FILTER]        the bodies that were taken (204), one a line, oldest
#                             first; with a filter, what that makes of each
#   received STATUS           how many requests were answered so ("hang" too)
#
# $TMP/receiver.jsonl has a line a request: {"status","type","body"}.

cat >"$TMP/receiver.py" <<'END'
import http.server, json, os, sys, time
here, port = sys.argv[1], int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        mode = open(here + '/receiver.mode').read().strip()
        try:
            body = json.loads(body)
        except ValueError:
            body = {'not json': body.decode(errors='replace')}
        line = json.dumps({'status': mode, 'type': self.headers['Content-Type'],
                           'body': body}) + '\n'
        out = os.open(here + '/receiver.jsonl', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(out, line.encode())
        os.close(out)
        while mode == 'hang':
            time.sleep(1)
        self.send_response(int(mode))
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
server.daemon_threads = True
with open(here + '/receiver.port.new', 'w') as f:
    f.write(str(server.server_port))
os.rename(here + '/receiver.port.new', here + '/receiver.port')
server.serve_forever()
END
RECEIVER_PID=

receiver_mode () {
    echo "$1" >"$TMP/receiver.mode.new" && mv "$TMP/receiver.mode.new" "$TMP/receiver.mode"
}
receiver_start () {
    rm -f "$TMP/receiver.port"
    touch "$TMP/receiver.jsonl"
    receiver_mode 204
    python3 "$TMP/receiver.py" "$TMP" "${1:-0}" >"$TMP/receiver.log" 2>&1 &
    RECEIVER_PID=$!
    # shellcheck disable=SC2034    # for the test
    wait_for 20 test -s "$TMP/receiver.port" && RECEIVER_PORT=$(cat "$TMP/receiver.port")
}
receiver_stop () {
    [ -z "$RECEIVER_PID" ] || { kill "$RECEIVER_PID"; wait "$RECEIVER_PID"; }
    RECEIVER_PID=
} 2>/dev/null
at_exit receiver_stop

posted () { jq -c "select(.status == \"204\") | .body | ${1:-.}" "$TMP/receiver.jsonl"; }
received () { jq -r .status "$TMP/receiver.jsonl" | grep -cx -- "$1"; }
