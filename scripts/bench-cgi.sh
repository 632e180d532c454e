# shellcheck shell=bash disable=SC2154
# scripts/bench cgi: how many CGI requests a second hydrapool, lighttpd and nginx with fcgiwrap answer by a static C program,
# beside how many starts of it this machine can do at all. Sourced by scripts/bench, which has the servers.

lighttpd_port=18303 fcgiwrap_socket='' lighttpd='' fcgiwrap=''

start_lighttpd() {
  cat >"$work/lighttpd.conf" <<CONF
server.document-root = "$work/htdocs"
server.port = $lighttpd_port
server.bind = "127.0.0.1"
server.modules = ("mod_cgi", "mod_alias")
server.errorlog = "$work/lighttpd.log"
alias.url = ("/cgi-bin/" => "$work/cgi-bin/")
\$HTTP["url"] =~ "^/cgi-bin/" { cgi.assign = ("" => "") }
CONF
  lighttpd -D -f "$work/lighttpd.conf" &
  lighttpd=$!
  await "http://127.0.0.1:$lighttpd_port/cgi-bin/hello"
}

start_fcgiwrap() {
  fcgiwrap_socket=$work/fcgiwrap.sock
  setsid fcgiwrap -c 8 -s "unix:$fcgiwrap_socket" >/dev/null 2>&1 &  # a group: its children outlive it
  fcgiwrap=$!
  cat >"$work/nginx.conf" <<CONF
worker_processes 2; daemon off; pid $work/nginx.pid; error_log $work/nginx.log crit; user $(id -un);
events { worker_connections 4096; }
http { access_log off; upstream programs { server unix:$fcgiwrap_socket; keepalive 8; }
       server { listen 127.0.0.1:$nginx_port backlog=4096; location /cgi-bin/ {
         fastcgi_pass programs; fastcgi_keep_conn on; fastcgi_param SCRIPT_FILENAME $work\$uri;
         fastcgi_param REQUEST_METHOD \$request_method; fastcgi_param QUERY_STRING \$query_string;
         fastcgi_param SERVER_PROTOCOL \$server_protocol; } } }
CONF
  nginx -p "$work" -c "$work/nginx.conf" &
  nginx=$!
  await "http://127.0.0.1:$nginx_port/cgi-bin/hello"
}

# rate NAME CONNECTIONS URL: appends requests a second to $work/NAME.rate and the 99th percentile in ms to $work/NAME.p99.
rate() {
  wrk -c"$2" -t1 -d3s --latency -H 'Connection: close' "$3" >"$work/wrk"
  awk '/Requests\/sec/ { print $2 }' "$work/wrk" >>"$work/$1.rate"
  awk '$1 == "99%" { v = $2 + 0; if ($2 ~ /[0-9]s$/) v *= 1000; if ($2 ~ /us$/) v /= 1000; print v }' "$work/wrk" \
    >>"$work/$1.p99"
  ! grep -E 'Non-2xx|Socket errors' "$work/wrk" >&2
}

cgi_round() {
  local connections=$1 name
  "$bin/start_limit_bench" "$work/cgi-bin/hello" "$connections" 3 >>"$work/limit.rate"
  rate hydrapool "$connections" "http://127.0.0.1:$port/cgi-bin/hello"
  rate lighttpd "$connections" "http://127.0.0.1:$lighttpd_port/cgi-bin/hello"
  rate fcgiwrap "$connections" "http://127.0.0.1:$nginx_port/cgi-bin/hello"
}

# of FILE: its median.
of() {
  # shellcheck disable=SC2046  # a list of numbers
  median $(cat "$work/$1")
}

cgi_table() {
  local name limit ours
  limit=$(of limit.rate)
  ours=$(of hydrapool.rate)
  printf '%-3d clients %30s %10s %10s\n' "$1" 'requests/s' 'of limit' 'p99 ms'
  printf '  %-26s %12.0f\n' 'bare starts' "$limit"
  for name in hydrapool lighttpd fcgiwrap; do
    printf '  %-26s %12.0f %10.2f %10.1f   hydrapool is %.2f of it\n' "$name" "$(of $name.rate)" \
      "$(awk -v a="$(of $name.rate)" -v b="$limit" 'BEGIN { print a / b }')" "$(of $name.p99)" \
      "$(awk -v a="$ours" -v b="$(of $name.rate)" 'BEGIN { print a / b }')"
  done
  rm -f "$work"/*.rate "$work"/*.p99
}

bench_cgi() {
  local connections round
  mkdir -p "$work/cgi-bin" "$work/htdocs"
  gcc -O2 -static -o "$work/cgi-bin/hello" "$root/scripts/cgi/hello.c"
  "$bin/hydrapool" --listen "127.0.0.1:$port" --workers 2 --admin off --cgi-dir "$work/cgi-bin" --log-level warn \
    2>"$work/server.log" &
  server=$!
  await "http://127.0.0.1:$port/cgi-bin/hello"
  start_lighttpd
  start_fcgiwrap
  printf 'static C program, a new connection each time; medians of %d alternating runs of 3 s; wrk beside it\n' "$cgi_rounds"
  for connections in 8 64; do
    for ((round = 0; round < cgi_rounds; round++)); do cgi_round "$connections"; done
    cgi_table "$connections"
  done
}

cgi_rounds=5
