# shellcheck shell=bash disable=SC2154
# scripts/bench dispatch, balance and channels: how connections come to their workers, how evenly, and over what.
# Sourced by scripts/bench, which has the servers.

# bars: of lines "NAME<tab>VALUE" a plot, the largest value 40 marks wide.
bars() {
  awk -F '\t' '{ name[NR] = $1; value[NR] = $2; if ($2 + 0 > most) most = $2 + 0 }
    END { for (i = 1; i <= NR; i++) {
            bar = ""; for (n = 0; n < 40; n++) bar = bar (most > 0 && n < value[i] / most * 40 - 0.001 ? "▇" : " ")
            printf "  %-16s %s %s\n", name[i], bar, value[i] } }'
}

# columns: lines of fields between tabs, one under the other.
columns() {
  awk -F '\t' '{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > wide[i]) wide[i] = length($i) } fields = NF }
    END { for (r = 1; r <= NR; r++) { line = ""
            for (i = 1; i <= fields; i++) line = line sprintf(i == 1 ? "%-" wide[i] "s" : "  %" wide[i] "s", cell[r, i])
            print line } }'
}

# plot TITLE COLUMN: of $work/table, whose first column names its rows.
plot() {
  printf '\n%s\n' "$1"
  cut -f "1,$2" "$work/table" | bars
}

# jain: of the numbers in its input, one a line: 1 is even, 1/n is one has all.
jain() { awk '{ s += $1; q += $1 * $1 } END { printf "%.4f\n", q ? s * s / NR / q : 0 }'; }

# start_with OPTION...: hydrapool without programs, so that each way of dispatch can be had.
start_with() {
  nobody_at "127.0.0.1:$port"
  nobody_at "$admin"
  "$bin/hydrapool" --listen "127.0.0.1:$port" --admin "$admin" --log-level error "$@" 2>"$work/server.log" &
  server=$! pool=$!
  await "http://$admin/healthz" "$server"
  await "http://127.0.0.1:$port/" "$server"
}

stop() {
  kill -TERM "$1" && wait "$1" || true
  [[ $1 != "$pool" ]] || pool=''
}

# workers PARENT: the pids that hold its connections. A supervisor's child is the parent.
workers() {
  local children
  children=$(cat "/proc/$1/task/$1/children")
  # shellcheck disable=SC2086  # a list of words
  set -- $children
  (($# == 1)) && children=$(cat "/proc/$1/task/$1/children")
  echo "$children"
}

sockets_of() {
  local pid
  for pid in "$@"; do find "/proc/$pid/fd" -lname 'socket:*' | wc -l; done
}

# idle_shares PARENT PORT N: how many of N idle connections, each of which has asked once, each worker holds.
idle_shares() {
  local pids before after holder
  # shellcheck disable=SC2207  # lists of words
  pids=($(workers "$1")) before=($(sockets_of "${pids[@]}"))
  coproc holder_io { exec python3 "$root/scripts/hold-idle.py" "$2" "$3"; }
  holder=$holder_io_PID
  read -r <&"${holder_io[0]}"
  # shellcheck disable=SC2207
  after=($(sockets_of "${pids[@]}"))
  kill "$holder"
  wait "$holder" 2>/dev/null || true
  local i
  for i in "${!pids[@]}"; do echo $((after[i] - before[i])); done
}

# measure NAME PARENT PORT ECHO-OPTION...: a row of the table.
measure() {
  local name=$1 parent=$2 at=$3 url=http://127.0.0.1:$3/ kept fresh p99 even64 even1000 lost
  shift 3
  local before after
  before=$(cpu_ticks "$parent")
  kept=$(wrk -c64 -t1 -d4s "$url" | awk '/requests in/ { print $1 }')
  after=$(cpu_ticks "$parent")
  local kept_cpu=$((after - before))
  before=$(cpu_ticks "$parent")
  fresh=$(wrk -c64 -t1 -d4s -H 'Connection: close' "$url" | awk '/requests in/ { print $1 }')
  after=$(cpu_ticks "$parent")
  local fresh_cpu=$((after - before))
  p99=$("$bin/loadgen" -t1 -c64 -R 10000 -d4s -q --json - "$url" 2>/dev/null | jq '.latency_us.response.p99 / 1e3' || true)
  even64=$(idle_shares "$parent" "$at" 64 | jain)
  even1000=$(idle_shares "$parent" "$at" 1000 | jain)
  faults "$parent" --fault kill --target random --every 200ms --for 5s
  "$bin/harness" echo --connections 64 --duration 5s --json "$work/echo" "$@" "127.0.0.1:$at" >/dev/null 2>&1 || true
  wait "$injector" || true
  lost=$(jq -n --slurpfile e "$work/echo" --slurpfile f "$work/faults" '$e[0].lost / $f[0].faults.landed')
  awk -v n="$name" -v k="$kept" -v kc="$kept_cpu" -v f="$fresh" -v fc="$fresh_cpu" -v p="$p99" -v a="$even64" \
    -v b="$even1000" -v l="$lost" -v hz="$(getconf CLK_TCK)" 'BEGIN { OFS = "\t"
      print n, int(k / 4), sprintf("%.2f", kc / hz * 1e6 / k), int(f / 4), sprintf("%.2f", fc / hz * 1e6 / f),
        sprintf("%.2f", p), a, b, sprintf("%.1f", l) }' >>"$work/table"
}

bench_dispatch() {
  local way
  : >"$work/table"
  for way in lease notify exclusive; do
    start_with --workers 4 --dispatch "$way"
    measure "$way" "$server" "$port"
    stop "$server"
    server=''
  done
  start_nginx
  measure 'nginx' "$nginx" "$nginx_port" --expect 'hello '
  {
    printf 'dispatch\tkept/s\tus CPU\tfresh/s\tus CPU\tp99 ms\tJain 64\tJain 1000\tlost/kill\n'
    cat "$work/table"
  } | columns
  plot 'requests a second, 64 connections kept open' 2
  plot 'requests a second, a connection for each' 4
  plot 'CPU of the server for each of these, us' 5
  plot "Jain's index of 1,000 idle connections" 8
  plot 'requests lost for each worker killed' 9
}

# busy_times: the busy time of each worker so far, in seconds.
busy_times() {
  curl --silent --noproxy '*' "http://$admin/metrics" | awk '/^hydrapool_worker_busy_seconds_total/ { print $2 }'
}

# mix PORT LOADGEN-OPTION...: 8 s of requests of which one in nine takes 500 ms, the others 1 ms, on 64 connections.
mix() {
  local url=http://127.0.0.1:$1/cgi-bin/slow?before=
  shift
  "$bin/loadgen" -t1 -c64 -R 216 -d8s -q "$@" "${url}500" "${url}1" "${url}1" "${url}1" "${url}1" "${url}1" "${url}1" "${url}1" \
    "${url}1" >/dev/null 2>&1 || true
}

# mixed LOADGEN-OPTION...: Jain's index of the workers' busy time in such a mix.
mixed() {
  local before
  before=$(busy_times)
  mix "$port" "$@"
  paste <(busy_times) - <<<"$before" | awk '{ print $1 - $2 }' | jain
}

# start_busy_nginx WORKERS: in front of fcgiwrap, which has a child for each connection; its log $work/busy.log.
start_busy_nginx() {
  local socket=$work/busy.sock
  rm -f "$socket"
  setsid fcgiwrap -c 64 -s "unix:$socket" >/dev/null 2>&1 &  # a group: its children outlive it
  cgi_peers=("-$!")
  cat >"$work/nginx.conf" <<CONF
worker_processes $1; daemon off; pid $work/nginx.pid; error_log $work/nginx.log crit; user $(id -un);
events { worker_connections 4096; }
http { log_format busy '\$pid \$request_time'; access_log $work/busy.log busy; keepalive_requests 1000000;
       upstream programs { server unix:$socket; keepalive 64; }
       server { listen 127.0.0.1:$nginx_port backlog=4096; location /cgi-bin/ {
         fastcgi_pass programs; fastcgi_keep_conn on; fastcgi_param SCRIPT_FILENAME $root/build/release\$uri;
         fastcgi_param REQUEST_METHOD \$request_method; fastcgi_param QUERY_STRING \$query_string;
         fastcgi_param SERVER_PROTOCOL \$server_protocol; } } }
CONF
  nobody_at "127.0.0.1:$nginx_port"
  nginx -p "$work" -c "$work/nginx.conf" &
  nginx=$!
  await "http://127.0.0.1:$nginx_port/cgi-bin/hello" "$nginx"
}

# mixed_nginx WORKERS LOADGEN-OPTION...: the same of nginx in front of fcgiwrap. A worker's busy time is the sum of
# its requests' $request_time; one that had none counts too.
mixed_nginx() {
  local workers=$1
  shift
  : >"$work/busy.log"
  mix "$nginx_port" "$@"
  awk -v workers="$workers" '{ busy[$1] += $2 } END { for (pid in busy) { print busy[pid]; workers-- }
    while (workers-- > 0) print 0 }' "$work/busy.log" | jain
}

# balance_row NAME PARENT PORT
balance_row() {
  local n row=$1
  for n in 64 1000; do row+=$'\t'$(idle_shares "$2" "$3" "$n" | tee "$work/shares" | jain)' ('$(sort -n "$work/shares" | sed -n '1p;$p' | paste -sd-)')'; done
  printf '%s' "$row"
}

bench_balance() {
  local workers
  {
    printf "Jain's index of\t64 idle (least-most)\t1000 idle (least-most)\tbusy time, a connection each\tkept connections\n"
    for workers in 2 4 8; do
      start_with --workers "$workers" --cgi-dir build/release/cgi-bin
      balance_row "hydrapool, $workers workers" "$server" "$port"
      printf '\t%s\t%s\n' "$(mixed --connection close)" "$(mixed)"
      stop "$server"
      server=''
      nginx_workers=$workers start_nginx
      balance_row "nginx, $workers workers" "$nginx" "$nginx_port"
      stop "$nginx"
      start_busy_nginx "$workers"
      printf '\t%s\t%s\n' "$(mixed_nginx "$workers" --connection close)" "$(mixed_nginx "$workers")"
      stop "$nginx"
      kill -TERM -- "${cgi_peers[@]}" || true
      nginx='' cgi_peers=()
    done
  } | columns
}

bench_channels() {
  build/dev/bin/sys_bench --benchmark_filter='one_way|there_and_back' --benchmark_format=json 2>/dev/null >"$work/channels"
  jq -r '.benchmarks[] | select(.name | startswith("one_way")) | .name as $n | ($n | split("/")[1]) as $c |
      [$c, .per_message * 1e6, .cpu_of_both * 1e6] | @tsv' "$work/channels" |
    awk -F '\t' '{ printf "%s\t%.2f\t%.2f\n", $1, $2, $3 }' >"$work/one"
  jq -r '.benchmarks[] | select(.name | startswith("there")) | [(.name | split("/")[1]), .per_message * 1e6,
      .cpu_of_both * 1e6] | @tsv' "$work/channels" | awk -F '\t' '{ printf "%s\t%.2f\t%.2f\n", $1, $2, $3 }' >"$work/both"
  awk -F '\t' 'NR == FNR { back[$1] = $2 "\t" $3; next } { print $0 "\t" ($1 in back ? back[$1] : "-\t-") }' \
    "$work/both" "$work/one" >"$work/table"
  {
    printf 'channel\tone way, us\tCPU of both\tthere and back, us\tCPU of both\n'
    cat "$work/table"
  } | columns
  plot 'CPU of both for each message, one way, us' 3
  plot 'CPU of both, there and back, us' 5
}
