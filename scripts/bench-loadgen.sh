# shellcheck shell=bash disable=SC2154
# scripts/bench loadgen: what loadgen costs and how true its figures are, beside wrk, ab, h2load, hey and a bare libcurl
# loop. Sourced by scripts/bench, which has the servers.

rounds=5

# cpu NAME COMMAND...: runs it; microseconds of its CPU for each request in $work/NAME, a line a run.
cpu() {
  local name=$1 requests TIMEFORMAT='%U %S'
  shift
  { time "$@" >"$work/out" 2>/dev/null; } 2>"$work/time"
  requests=$(awk '/requests in/ { n = $1 } /"completed":/ && !n { n = $2 + 0 } /^[0-9]+$/ { n = $1 }
    /^requests: .* done/ { n = $6 } /^  \[200\]/ { n = $2 } END { print n }' "$work/out")
  awk -v n="$requests" '{ printf "%.3f\n", ($1 + $2) * 1e6 / n }' "$work/time" >>"$work/$name"
}

ours() { "$bin/loadgen" -t1 -c64 -d2s -q --json - "$@"; }
theirs() { wrk -t1 -c64 -d2s "$@" "$url"; }

# await_port PORT: until something listens there.
await_port() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.05
  done
  die "nothing listens at port $1"
}

# ratio TITLE: medians of both, and of the ratios of the pairs.
ratio() {
  # shellcheck disable=SC2046  # lists of words
  printf '  %-44s %6.2f us %8.2f us %8.2f\n' "$1" "$(median $(cat "$work/a"))" "$(median $(cat "$work/b"))" \
    "$(median $(paste "$work/a" "$work/b" | awk '{ print $1 / $2 }'))"
  rm -f "$work/a" "$work/b"
}

# beside TITLE: alternates the functions a and b.
beside() {
  local round
  for ((round = 0; round < rounds; round++)); do
    cpu a a
    cpu b b
  done
  ratio "$1"
}

loadgen_cpu() {
  printf 'client CPU for each request, medians of %d alternating runs of 2 s:\n' "$rounds"
  printf '  %-44s %9s %11s %8s\n' '' loadgen wrk ratio
  a() { ours "$url"; }
  b() { theirs; }
  beside '64 keep-alive connections'
  a() { ours --connection close "$url"; }
  b() { theirs -H 'Connection: close'; }
  beside 'a connection for each request'
  printf '  %-44s %9s %11s %8s\n' '' loadgen h2load ratio
  a() { ours "$url"; }
  b() { h2load --h1 -t1 -c64 -D2 "$url"; }
  beside '64 keep-alive connections'
  printf '  %-44s %9s %11s %8s\n' '' loadgen hey ratio
  b() { hey -z 2s -c 64 "$url"; }
  beside '64 keep-alive connections'
  printf '  %-44s %9s %11s %8s\n' '' loadgen 'bare loop' ratio
  a() { ours --engine curl "$url"; }
  b() { "$bin/curl_bare_bench" "$url" 64 2; }
  beside 'curl engine, 64 keep-alive connections'
}

loadgen_features() {
  local lines=$work/lines sum
  seq 1000 >"$lines"
  printf '  %-44s %9s %11s %8s\n' 'what it costs (64 keep-alive):' with without ratio
  b() { ours --worker-header '' "$url"; }
  a() { ours "$url"; }
  beside 'the worker named by a header'
  b() { ours "$url"; }
  a() { ours "$url?{counter}&{random}"; }
  beside 'a URL with {counter} and {random}'
  a() { ours -H "X-Line: {line:$lines}" "$url"; }
  beside 'a header with {line:FILE}'
  a() { ours "$url?1" "$url?2" "$url?3" "$url?4"; }
  beside 'four URLs, each counted'
  a() { ours --expect-end $'\n' "$url"; }
  beside '--expect-end'
  sum=$(curl --silent --noproxy '*' "$url" | sha256sum | cut -c-64)
  a() { ours --expect-sha256 "$sum" "$url"; }
  beside '--expect-sha256'
  a() { ours --hdr-log "$work/hdr" --csv "$work/csv" "$url"; }
  beside '--hdr-log and --csv'
}

# lateness FILE RATE: of h2load's log (start, status, duration, in us): p99 of the starts behind an even schedule of that
# rate, laid so that none is early; and the durations' p50, p99 and max.
lateness() {
  sort -n "$1" | awk -v rate="$2" 'NR == 1 { t0 = $1 } { late = $1 - t0 - (NR - 1) * 1e6 / rate; print late, $3 }' >"$work/late"
  cut -d' ' -f1 "$work/late" | sort -n | awk '{ v[NR] = $1 } END { printf "%.2f ", (v[int(NR * .99)] - v[1]) / 1e3 }'
  cut -d' ' -f2 "$work/late" | sort -n |
    awk '{ v[NR] = $1 } END { printf "%.2f %.2f %.2f\n", v[int(NR * .5)] / 1e3, v[int(NR * .99)] / 1e3, v[NR] / 1e3 }'
}

# hey_times FILE: p50, p99 and max of the durations in hey's CSV, which has four decimals of a second.
hey_times() {
  awk -F, 'NR > 1 { print $1 }' "$1" | sort -n |
    awk '{ v[NR] = $1 * 1e3 } END { printf "%.2f %.2f %.2f\n", v[int(NR * .5)], v[int(NR * .99)], v[NR] }'
}

# open_loop RATE WHAT-IT-IS
open_loop() {
  local rate=$1
  "$bin/loadgen" -t1 -c64 -R "$rate" -d8s -q --json - "$url" >"$work/open" 2>/dev/null || true
  rm -f "$work/h2"
  h2load --h1 -t1 -c64 -D8 --rps=$((rate / 64)) --log-file="$work/h2" "$url" >"$work/h2.out" 2>&1 || true
  hey -z 8s -c 64 -q $((rate / 64)) -o csv "$url" >"$work/hey" 2>/dev/null || true
  printf 'open loop, %d requests/s (%s), 64 connections, 8 s, in ms:\n' "$rate" "$2"
  printf '  %-12s %14s %12s %14s\n' '' 'rate reached' 'late by p99' 'response p50'
  jq -r '"\(.requests.completed / .duration_s) \(.latency_us.lag.p99 / 1e3) \(.latency_us.response.p50 / 1e3)"' "$work/open" |
    awk -v r="$rate" '{ printf "  %-12s %12.2f %% %12.2f %14.2f\n", "loadgen", $1 / r * 100, $2, $3 }'
  # shellcheck disable=SC2046  # four numbers
  printf '  %-12s %12.2f %% %12.2f %14.2f\n' h2load \
    "$(awk -v r="$rate" '/^finished in/ { print $4 / r * 100 }' "$work/h2.out")" \
    $(lateness "$work/h2" "$rate" | cut -d' ' -f1,2)
  printf '  %-12s %12.2f %% %12s %14.2f\n' hey "$(awk -v r="$rate" 'END { print (NR - 1) / 8 / r * 100 }' "$work/hey")" \
    'not told' "$(hey_times "$work/hey" | cut -d' ' -f1)"
}

loadgen_open_loop() {
  local capacity
  capacity=$(theirs | awk '/Requests\/sec/ { print int($2) }')
  open_loop $((capacity / 2 / 64 * 64)) 'half of what wrk reaches'
  open_loop $((capacity / 8 / 64 * 64)) 'an eighth, which hey can reach too'
}

# stopped_while COMMAND...: stops nginx for a second in the middle of it; $stop is how long it was, in seconds.
stopped_while() {
  local began ended load
  "$@" >"$work/out" 2>/dev/null &
  load=$!
  sleep 4
  # shellcheck disable=SC2207  # numbers
  stopped=("$nginx" $(cat "/proc/$nginx/task/$nginx/children"))  # which clean_up lets go on
  began=$EPOCHREALTIME && kill -STOP "${stopped[@]}" && sleep 1 && kill -CONT "${stopped[@]}" && ended=$EPOCHREALTIME
  stopped=()
  wait "$load" || true
  stop=$(awk -v a="$began" -v b="$ended" 'BEGIN { printf "%.3f", b - a }')
}

loadgen_stop() {
  local rate=2000 target=http://127.0.0.1:$nginx_port/ stop
  printf 'a server stopped for 1 s in a run of 10 s (%d requests/s where the client has a rate), in ms:\n' "$rate"
  printf '  %-34s %10s %10s\n' '' p99 max
  stopped_while "$bin/loadgen" -t1 -c64 -R "$rate" -d10s -q --json - "$target"
  awk -v s="$stop" 'BEGIN { printf "  %-34s %10.0f %10.0f\n", "the truth, from the schedule", (s - 0.1) * 1e3, s * 1e3 }'
  jq -r '"\(.latency_us.response.p99 / 1e3) \(.latency_us.response.max / 1e3)"' "$work/out" |
    awk '{ printf "  %-34s %10.0f %10.0f\n", "loadgen", $1, $2 }'
  rm -f "$work/h2"
  stopped_while h2load --h1 -t1 -c64 -D10 --rps=$((rate / 64)) --log-file="$work/h2" "$target"
  # shellcheck disable=SC2046  # two numbers
  printf '  %-34s %10.0f %10.0f\n' 'h2load --rps' $(lateness "$work/h2" "$rate" | cut -d' ' -f3,4)
  stopped_while hey -z 10s -c 64 -q $((rate / 64)) -o csv "$target"
  # shellcheck disable=SC2046  # two numbers
  printf '  %-34s %10.0f %10.0f\n' 'hey -q' $(hey_times "$work/out" | cut -d' ' -f2,3)
  stopped_while ab -k -q -c64 -t10 -n 100000000 "$target"
  awk '/ 99%/ { p = $2 } /100%/ { m = $2 } END { printf "  %-34s %10.0f %10.0f\n", "ab (closed loop)", p, m }' "$work/out"
  stopped_while wrk -t1 -c64 -d10s --latency "$target"
  awk 'function ms(t) { return t ~ /us$/ ? t / 1e3 : t ~ /ms$/ ? t + 0 : t * 1e3 } / 99%/ { p = ms($2) }
    /^ *Latency  *[0-9]/ { m = ms($4) }
    END { printf "  %-34s %10.0f %10.0f\n", "wrk (closed loop, some made up)", p, m }' "$work/out"
}

# h2_row TITLE URL STREAMS: over 8 connections.
h2_row() {
  local url=$2 streams=$3
  a() { "$bin/loadgen" --http2 --insecure --streams "$streams" -t1 -c8 -d2s -q --json - "$url"; }
  b() { h2load -t1 -c8 "-m$streams" -D2 "$url"; }
  beside "$1, $streams streams"
}

bench_http2() {
  local http2_port=18306 tls_port=18307 streams
  mkdir "$work/www"
  echo hello >"$work/www/index.html"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 \
    -keyout "$work/key" -out "$work/cert" 2>/dev/null
  nobody_at "127.0.0.1:$http2_port"
  nobody_at "127.0.0.1:$tls_port"
  nghttpd --no-tls -d "$work/www" "$http2_port" 2>/dev/null &
  server=$!
  nghttpd -d "$work/www" "$tls_port" "$work/key" "$work/cert" 2>/dev/null &
  nginx=$!
  await_port "$http2_port"
  await_port "$tls_port"
  printf 'client CPU for each request, medians of %d alternating runs of 2 s against nghttpd, 8 connections:\n' "$rounds"
  printf '  %-44s %9s %11s %8s\n' '' loadgen h2load ratio
  for streams in 1 10 100; do
    h2_row h2c "http://127.0.0.1:$http2_port/" "$streams"
  done
  for streams in 1 10 100; do
    h2_row TLS "https://127.0.0.1:$tls_port/" "$streams"
  done
}

bench_loadgen() {
  url=http://127.0.0.1:$port/
  start_server --expose-worker
  loadgen_cpu
  loadgen_features
  loadgen_open_loop
  start_nginx
  loadgen_stop
}
