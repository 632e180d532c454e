# shellcheck shell=bash disable=SC2154
# scripts/bench cgi: how many CGI requests a second hydrapool and others answer by a static C program, beside how many
# starts of it this machine can do at all, and by which system calls. Sourced by scripts/bench, which has the servers.

lighttpd_port=18303 uwsgi_port=18304 busybox_port=18305 large_port=18306
cgi_rounds=${ROUNDS-5} cgi_seconds=2
cgi_peers=()  # processes, or groups with a minus before them
cgi_servers=(hydrapool hydrapool-512MB lighttpd fcgiwrap uwsgi busybox)
declare -A cgi_urls

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
  cgi_peers+=($!)
  cgi_urls[lighttpd]=http://127.0.0.1:$lighttpd_port/cgi-bin/hello
}

start_fcgiwrap() {
  local socket=$work/fcgiwrap.sock
  setsid fcgiwrap -c 8 -s "unix:$socket" >/dev/null 2>&1 &  # a group: its children outlive it
  cgi_peers+=("-$!")
  cat >"$work/nginx.conf" <<CONF
worker_processes 2; daemon off; pid $work/nginx.pid; error_log $work/nginx.log crit; user $(id -un);
events { worker_connections 4096; }
http { access_log off;
       server { listen 127.0.0.1:$nginx_port backlog=4096; location /cgi-bin/ {
         fastcgi_pass unix:$socket; fastcgi_param SCRIPT_FILENAME $work\$uri;
         fastcgi_param REQUEST_METHOD \$request_method; fastcgi_param QUERY_STRING \$query_string;
         fastcgi_param SERVER_PROTOCOL \$server_protocol; } } }
CONF
  nginx -p "$work" -c "$work/nginx.conf" &
  cgi_peers+=($!)
  cgi_urls[fcgiwrap]=http://127.0.0.1:$nginx_port/cgi-bin/hello
}

start_uwsgi() {
  uwsgi-core --plugin cgi --http-socket "127.0.0.1:$uwsgi_port" --http-socket-modifier1 9 --listen 100 --processes 8 \
    --master --die-on-term --disable-logging --cgi "/cgi-bin=$work/cgi-bin" >"$work/uwsgi.log" 2>&1 &
  cgi_peers+=($!)
  cgi_urls[uwsgi]=http://127.0.0.1:$uwsgi_port/cgi-bin/hello
}

start_busybox() {
  busybox httpd -f -p "127.0.0.1:$busybox_port" -h "$work" &
  cgi_peers+=($!)
  cgi_urls[busybox]=http://127.0.0.1:$busybox_port/cgi-bin/hello
}

# start_pool NAME PORT [VARIABLE=VALUE]
start_pool() {
  env "${@:3}" "$bin/hydrapool" --listen "127.0.0.1:$2" --workers 2 --admin off --cgi-dir "$work/cgi-bin" \
    --log-level warn 2>"$work/$1.log" &
  cgi_peers+=($!)
  cgi_urls[$1]=http://127.0.0.1:$2/cgi-bin/hello
}

# A library that gives whoever is started with it, and its workers, 512 MB more of touched memory.
make_ballast() {
  gcc -O1 -shared -fPIC -o "$work/ballast.so" -xc - <<'CODE'
#include <string.h>
#include <sys/mman.h>
__attribute__((constructor)) static void Load(void) {
  const unsigned long size = 512ul << 20;
  void* at = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at != MAP_FAILED) memset(at, 1, size);
}
CODE
}

# rate NAME CONNECTIONS URL: appends requests a second to $work/NAME.rate, the 99th percentile in ms to $work/NAME.p99,
# and how many requests were not answered by 200 to $work/NAME.bad. (wrk takes the end of a connection that ends an answer
# without a length for a failed read.)
rate() {
  wrk -c"$2" -t1 -d"${cgi_seconds}s" --latency -H 'Connection: close' "$3" >"$work/wrk" || true
  awk '/Requests\/sec/ { print $2 }' "$work/wrk" >>"$work/$1.rate"
  awk '$1 == "99%" { v = $2 + 0; if ($2 ~ /[0-9]s$/) v *= 1000; if ($2 ~ /us$/) v /= 1000; print v }' "$work/wrk" \
    >>"$work/$1.p99"
  awk '/ requests in / { all = $1 } /Non-2xx/ { n += $NF }
    /Socket errors/ { gsub(",", ""); n += $4 + $8 + $10 + ($6 < all ? $6 : 0) } END { print n + 0 }' "$work/wrk" \
    >>"$work/$1.bad"
}

cgi_round() {
  local connections=$1 name
  "$bin/start_limit_bench" "$work/cgi-bin/hello" "$connections" "$cgi_seconds" >>"$work/limit.rate"
  for name in "${cgi_servers[@]}"; do rate "$name" "$connections" "${cgi_urls[$name]}"; done
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
  printf '%-3d clients %24s %10s %10s %10s %20s\n' "$1" 'requests/s' 'of limit' 'p99 ms' 'not 200' 'hydrapool / it'
  printf '  %-22s %12.0f\n' 'bare starts' "$limit"
  for name in "${cgi_servers[@]}"; do
    awk -v name="$name" -v rate="$(of "$name.rate")" -v limit="$limit" -v ours="$ours" -v p99="$(of "$name.p99")" \
      -v bad="$(awk '{ n += $1 } END { print n }' "$work/$name.bad")" \
      'BEGIN { printf "  %-22s %12.0f %10.2f %10.1f %10d %20.2f\n", name, rate, rate / limit, p99, bad, rate ? ours / rate : 0 }'
  done
  rm -f "$work"/*.rate "$work"/*.p99 "$work"/*.bad
}

# traced PROCESS: none of its threads runs without a tracer.
traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$1/status"; }

# What a request costs in system calls: of a pool of one worker with its programs, and of its parent, over 200 requests.
cgi_calls() {
  local port=$((large_port + 1)) requests=200 parent worker tracers=() i
  "$bin/hydrapool" --listen "127.0.0.1:$port" --workers 1 --no-supervisor --admin off --cgi-dir "$work/cgi-bin" \
    --log-level warn 2>"$work/traced.log" &
  parent=$!
  cgi_peers+=("$parent")
  await "http://127.0.0.1:$port/cgi-bin/hello" "$parent"
  worker=$(cut -d' ' -f1 "/proc/$parent/task/$parent/children")
  strace -f -c -S calls -o "$work/calls.worker" -p "$worker" 2>/dev/null &
  tracers+=($!)
  strace -c -S calls -o "$work/calls.parent" -p "$parent" 2>/dev/null &
  tracers+=($!)
  for ((i = 0; i < 200; i++)); do
    traced "$worker" && traced "$parent" && break
    sleep 0.05
  done
  for ((i = 0; i < requests; i++)); do
    curl --silent --noproxy '*' --output /dev/null "http://127.0.0.1:$port/cgi-bin/hello"
  done
  kill -INT "${tracers[@]}"
  wait "${tracers[@]}" || true
  for i in worker parent; do
    printf 'system calls for each request, %s: ' "$([[ $i == parent ]] && echo the parent || echo worker and program)"
    awk -v n="$requests" '$1 ~ /^[0-9.]+$/ && $NF == "total" { all = $4 / n }
      $1 ~ /^[0-9.]+$/ && $NF != "total" && $4 / n >= 0.5 { calls = calls sprintf(", %s %.1f", $NF, $4 / n) }
      END { printf "%.1f: %s\n", all, substr(calls, 3) }' "$work/calls.$i"
  done
}

bench_cgi() {
  local connections round name
  mkdir -p "$work/cgi-bin" "$work/htdocs"
  gcc -O2 -static -o "$work/cgi-bin/hello" "$root/scripts/cgi/hello.c"
  make_ballast
  start_pool hydrapool "$port"
  start_pool hydrapool-512MB "$large_port" "LD_PRELOAD=$work/ballast.so"
  start_lighttpd
  start_fcgiwrap
  start_uwsgi
  start_busybox
  for name in "${cgi_servers[@]}"; do await "${cgi_urls[$name]}"; done
  printf 'static C program, a new connection each time; medians of %d alternating runs of %d s; wrk beside it\n' \
    "$cgi_rounds" "$cgi_seconds"
  for connections in 8 64; do
    for ((round = 0; round < cgi_rounds; round++)); do cgi_round "$connections"; done
    cgi_table "$connections"
  done
  cgi_calls
}

# p99_of_normal: of keep-alive requests at 1,000 a second, in milliseconds.
p99_of_normal() {
  "$bin/loadgen" -R 1000 -c 16 -t 1 -d 5s --json "$work/load" "http://127.0.0.1:$port/" >/dev/null 2>&1 || true
  jq -r '.latency_us.response.p99 / 10 | round / 100' "$work/load"
}

# What heads that come a byte at a time cost the others.
bench_heads() {
  local round heads without=() with=()
  ulimit -n "$(ulimit -Hn)"
  start_server --max-connections 8192
  for ((round = 1; round <= ${ROUNDS-3}; round++)); do
    without+=("$(p99_of_normal)")
    coproc HEADS { exec python3 "$root/scripts/slow-heads.py" "$port" 5000; }
    heads=$HEADS_PID
    read -r _ <&"${HEADS[0]}"
    with+=("$(p99_of_normal)")
    printf 'round %d: p99 %s ms alone, %s ms beside 5000 slow heads (%s connections open)\n' "$round" "${without[-1]}" \
      "${with[-1]}" "$(status .leases.open)"
    kill -TERM "$heads"
    wait "$heads" 2>/dev/null || true
  done
  awk -v a="$(median "${without[@]}")" -v b="$(median "${with[@]}")" \
    'BEGIN { printf "medians: %.2f ms, %.2f ms: %.2f times\n", a, b, b / a }'
}
