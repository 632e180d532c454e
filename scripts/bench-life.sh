# shellcheck shell=bash disable=SC2154
# The subject `life` of scripts/bench: what clients notice when any process of the server dies or is replaced, and what
# connections cost it.

# The first of its processes, which is another one when that was killed.
main_process() { status '.pid'; }

# row NAME ECHO-JSON [FAULTS-JSON]
row() {
  # shellcheck disable=SC2046  # six numbers
  printf '%-58s %7s %10s %6s %6s %6s %6s %8s\n' "$1" "$([[ -n ${3-} ]] && jq .faults.landed "$3" || echo '')" \
    $(jq -r '.sent, .lost, .duplicate, .extra, .wrong, "\(.worst_wait_us / 100 | round / 10)"' "$2")
}

proxy_port=18303

# start_proxy nginx|haproxy: one that keeps its connections to the server, and never tries a request again.
start_proxy() {
  nobody_at "127.0.0.1:$proxy_port"
  if [[ $1 == nginx ]]; then
    cat >"$work/proxy.conf" <<EOF
worker_processes 2; daemon off; pid $work/proxy.pid; error_log $work/proxy.log warn; user $(id -un);
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; proxy_next_upstream off;
       upstream pool { server 127.0.0.1:$port; keepalive 64; keepalive_requests 1000000000; }
       server { listen 127.0.0.1:$proxy_port; location / {
         proxy_pass http://pool; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
EOF
    nginx -p "$work" -c "$work/proxy.conf" &
  else
    cat >"$work/proxy.conf" <<EOF
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  retries 0
listen pool
  bind 127.0.0.1:$proxy_port
  http-reuse always
  server pool 127.0.0.1:$port
EOF
    haproxy -db -f "$work/proxy.conf" >/dev/null 2>&1 &
  fi
  nginx=$! # which clean_up ends
  await "http://127.0.0.1:$proxy_port/" "$nginx"
}

# under NAME SECONDS 'FAULTS' ECHO-OPTION...: clients of one kind under faults. With `proxy` set: of that proxy.
under() {
  local name=$1 seconds=$2 fault_options=$3
  shift 3
  start_server --cgi-env "HYDRAPOOL_RECORD_FILE=$work/executions" --max-connections 4000
  disown "$server" # whose end is no news
  local to=$port
  if [[ -n ${proxy-} ]]; then
    start_proxy "$proxy"
    to=$proxy_port
  fi
  # shellcheck disable=SC2086  # a list of words
  "$bin/harness" inject --admin "$admin" --json "$work/faults" $fault_options --for "${seconds}s" >/dev/null 2>&1 &
  injector=$!
  "$bin/harness" echo --json "$work/echo" --duration "${seconds}s" "$@" "127.0.0.1:$to" >/dev/null 2>&1 || true
  wait "$injector" || true
  if [[ -n $nginx ]]; then
    kill -TERM "$nginx"
    wait "$nginx" 2>/dev/null || true
    nginx=''
  fi
  row "$name" "$work/echo" "$work/faults"
  end_server
}

end_server() {
  local last
  last=$(main_process)
  kill -TERM "$last"
  while kill -0 "$last" 2>/dev/null; do sleep 0.05; done
  server='' pool=''
}

# memory PID: resident and its own, in KiB.
memory() { awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$1/smaps_rollup"; }
workers_memory() {
  local sum=0 pid
  for pid in $(status '.workers[].pid'); do sum=$((sum + $(memory "$pid"))); done
  echo "$sum"
}

# curve CONNECTIONS...: a row each; connections that rest on four workers, and 16 that do not.
curve() {
  local count before after parent
  printf '\n%11s %12s %12s %14s %14s\n' connections 'rescue p50' 'respawn p50' 'longest wait' 'KiB a conn.'
  for count; do
    start_server --max-connections $((count + 100))
    disown "$server"
    before=$(workers_memory)
    "$bin/harness" echo --connections "$count" --pause 15s --duration 32s --json "$work/idle" "127.0.0.1:$port" \
      >/dev/null 2>&1 &
    clients=$!
    until (($(status .leases.open) >= count)); do sleep 0.1; done
    sleep 6 # each has asked, and rests
    after=$(workers_memory)
    "$bin/harness" echo --connections 16 --duration 7s --json "$work/echo" "127.0.0.1:$port" >/dev/null 2>&1 &
    busy=$!
    "$bin/harness" inject --admin "$admin" --fault kill --every 300ms --count 10 >/dev/null 2>&1 || true
    parent=$(status .parent.pid)
    "$bin/harness" inject --admin "$admin" --target parent --every 300ms --count 10 >/dev/null 2>&1 || true
    [[ $parent != "$(status .parent.pid)" ]] || die 'the parent was not killed'
    wait "$clients" "$busy" || true
    # shellcheck disable=SC2046  # two words
    printf '%11s %12s %12s %14s %14s\n' "$count" \
      $(status '[.durations_s.reap.p50, .durations_s.respawn.p50] | map("\(. * 1e5 | round / 100)ms") | .[]') \
      "$(jq -r '"\(.worst_wait_us / 100 | round / 10)ms"' "$work/echo")" \
      "$(awk -v b="$before" -v a="$after" -v n="$count" 'BEGIN { printf "%.2f", (a - b) / n }')"
    [[ $(jq .lost "$work/idle") == 0 && $(jq .lost "$work/echo") == 0 ]] || die "lost: $(cat "$work/idle" "$work/echo")"
    end_server
  done
}

bench_life() {
  local any='--target any --every 100ms' parent='--target parent --every 100ms' once=/cgi-bin/record
  ulimit -n "$(ulimit -H -n)"
  printf '%-58s %7s %10s %6s %6s %6s %6s %8s\n' 'clients; faults' faults requests lost twice extra wrong 'wait ms'
  under '64 keep-alive; any process each 100 ms, 60 s' 60 "$any" --connections 64
  under '64 keep-alive; the parent each 100 ms, 60 s' 60 "$parent" --connections 64
  under '3,000 idle but each 5 s; the parent each 100 ms, 60 s' 60 "$parent" --connections 3000 --pause 5s
  under '16 with a program of 50 ms; any process each 100 ms, 20 s' 20 "$any" --connections 16 --expect short \
    --path "$once?ms=50&id=short"
  under '16 with a program of 500 ms; any process each 100 ms, 20 s' 20 "$any" --connections 16 --expect long \
    --path "$once?ms=500&id=long"
  under '16 that post to a program of 50 ms; the same, 20 s' 20 "$any" --connections 16 --path '/cgi-bin/echo' \
    --body-sizes 0,1000,65536
  under '64 keep-alive; a reload each second, 50 s' 50 '--fault reload --every 1s' --connections 64
  under '64 keep-alive; an upgrade each second, 20 s' 20 '--fault upgrade --every 1s' --connections 64
  under '64 keep-alive; a worker each 20 ms, 20 s' 20 '--every 20ms' --connections 64
  local proxy
  for proxy in nginx haproxy; do
    under "64 of $proxy; any process each 100 ms, 15 s" 15 "$any" --connections 64
    under "64 of $proxy; a reload each second, 15 s" 15 '--fault reload --every 1s' --connections 64
    under "64 of $proxy; an upgrade each second, 15 s" 15 '--fault upgrade --every 1s' --connections 64
  done
  proxy=''
  echo "programs that ran twice: $(awk '{ print $2 }' "$work/executions" | sort | uniq -d | wc -l) of $(wc -l <"$work/executions")"
  curve 100 1000 5000 15000
}
