# receiver.sh - a small HTTP server for what is posted.  Source tap.sh first.
#
#   receiver_start [PORT]     on the loopback; sets RECEIVER_PORT; mode ok
#   receiver_stop
#   receiver_mode MODE        how it answers from now on: a status (204, 500, …),
#                             hang: it takes the request and says nothing; cut: 200
#                             and half an answer; garbage: 200 and a megabyte of it;
#                             vN: as a slurmrestd that offers v0.0.N (also to GET)
#   receiver_mode MODE PATH   the same for what is posted to /PATH alone ("a_b": /a/b)
#   receiver_tls              the next receiver_start has TLS, by $TMP/tls/cert.pem,
#                             which is made, for localhost
#   posted [JQ-FILTER]        the bodies that were taken (204), one a line, oldest
#                             first; with a filter, what that makes of each
#   received STATUS           how many requests were answered so ("hang" too)
#
# $TMP/receiver.jsonl has a line a request: {"status","type","path","headers" (by small
# letters),"raw" (the body as it came),"body"}.

cat >"$TMP/receiver.py" <<'END'
import http.server, json, os, ssl, sys, time
here, port = sys.argv[1], int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.do_POST()
    def do_POST(self):
        raw = body = self.rfile.read(int(self.headers['Content-Length'] or 0))
        own = here + '/receiver.mode.' + self.path.strip('/').replace('/', '_')
        mode = open(own if os.path.exists(own) else here + '/receiver.mode').read().strip()
        try:
            body = json.loads(body)
        except ValueError:
            body = {'not json': body.decode(errors='replace')}
        line = json.dumps({'status': mode, 'type': self.headers['Content-Type'],
                           'path': self.path, 'raw': raw.decode(errors='replace'),
                           'headers': {k.lower(): v for k, v in self.headers.items()},
                           'body': body}) + '\n'
        out = os.open(here + '/receiver.jsonl', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(out, line.encode())
        os.close(out)
        while mode == 'hang':
            time.sleep(1)
        paths = {'/slurm/v0.0.%s/job/{job_id}' % mode[1:]: {'post': {}}}
        self.send_response(int(mode) if mode.isdigit() else 200)
        if mode in ('cut', 'garbage'):
            self.send_header('Content-Length', str(1 << 20))
        self.end_headers()
        if mode == 'cut':
            self.wfile.write(b'{"half":')
        elif mode == 'garbage':
            self.wfile.write(os.urandom(1 << 20))
        elif mode[0] == 'v':
            self.wfile.write(json.dumps({'paths': paths}).encode())
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3] + '/cert.pem', sys.argv[3] + '/key.pem')
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
with open(here + '/receiver.port.new', 'w') as f:
    f.write(str(server.server_port))
os.rename(here + '/receiver.port.new', here + '/receiver.port')
server.serve_forever()
END
RECEIVER_PID=
RECEIVER_TLS=

receiver_mode () {
    echo "$1" >"$TMP/receiver.mode.new" &&
        mv "$TMP/receiver.mode.new" "$TMP/receiver.mode${2:+.$2}"
}
receiver_tls () {
    mkdir -p "$TMP/tls" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
        -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 \
        -keyout "$TMP/tls/key.pem" -out "$TMP/tls/cert.pem" 2>"$TMP/tls/log" &&
        RECEIVER_TLS=$TMP/tls
}
receiver_start () {
    rm -f "$TMP/receiver.port"
    touch "$TMP/receiver.jsonl"
    receiver_mode 204
    python3 "$TMP/receiver.py" "$TMP" "${1:-0}" ${RECEIVER_TLS:+"$RECEIVER_TLS"} >"$TMP/receiver.log" 2>&1 &
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
