# shellcheck shell=bash disable=SC2154
# The subject `exact` of scripts/soak: clients of every kind, faults of every kind, and the table of what came of it.

port=18310 admin=127.0.0.1:18311
generator='a constant rate (loadgen)'
round=20 # seconds that a client goes on before its counts are added

# The kinds of clients: a name and harness echo's options; ADDRESS stands at the end where it is not the TCP one. ROUND is
# replaced by what no other round has.
kinds() {
  local sizes=0,1,2,100,4096,16383,16384,16385,65535,65536,65537,300000
  cat <<EOF
keep-alive|--connections 32
64 requests pipelined|--connections 16 --pipeline 64
1000 requests pipelined|--connections 8 --pipeline 1000
bodies of many sizes|--connections 8 --path /cgi-bin/echo --pause 200ms --body-sizes $sizes
bodies in chunks|--connections 4 --path /cgi-bin/echo --pause 200ms --chunked 1 --body-sizes $sizes
a byte at a time|--connections 4 --path /cgi-bin/echo --pause 200ms --bytewise 1 --body-sizes 0,1,100,1000
reset at random points|--connections 8 --pipeline 4 --reset-within 20000
bodies, reset at random points|--connections 4 --path /cgi-bin/echo --pause 200ms --reset-within 200000 --body-sizes $sizes
beside floods|--connections 4 --pause 200ms --flood pipe,chunks,upload,download
HTTP/1.0|--connections 8 --http1.0
closed after each answer|--connections 8 --close-every 1
half-closing|--connections 8 --pipeline 4 --half-close --reopen-every 5
slow readers|--connections 4 --pipeline 64 --slow-reader 200000
CGI programs that run once|--connections 8 --pause 200ms --expect ROUND --path /cgi-bin/record?ms=5&id=ROUND
UNIX socket|--connections 8 --pipeline 16 unix:$work/socket
UNIX socket, uploads|--connections 4 --path /cgi-bin/echo --pause 200ms --body-sizes 0,1,100,16384,16385,40000 unix:$work/socket
EOF
}

# enter_own_network SCRIPT ARGUMENT...: as root, starts it again in a network of its own, where it may drop what it sends.
enter_own_network() {
  drops='no local drops'
  ((drop > 0)) || return 0
  if [[ -z ${SOAK_IN_OWN_NETWORK-} ]]; then
    if ((EUID == 0)) && command -v nft >/dev/null && unshare --net true 2>/dev/null; then
      exec env SOAK_IN_OWN_NETWORK=1 unshare --net "$@"
    fi
    say 'No local drops: they take root, nft (nftables) and network namespaces.'
    return 0
  fi
  ip link set lo up
  nft -f - <<EOF || die 'nft takes no rule'
table ip soak {
  chain out {
    type filter hook output priority 0;
    tcp sport $port tcp flags & psh != 0 numgen random mod $drop < 1 counter drop;
  }
}
EOF
  drops="one in $drop of its data segments dropped locally"
}

# ask_status JQ-EXPRESSION: again and again for a while, for a parent that is killed answers nothing.
ask_status() {
  local tries
  for ((tries = 0; tries < 50; tries++)); do
    curl --silent --noproxy '*' --max-time 5 "http://$admin/status.json" 2>/dev/null | jq -er "$1" 2>/dev/null && return
    sleep 0.1
  done
  echo 0
}
deaths() { ask_status .totals.exits; }

start_server() {
  ! curl --silent --noproxy '*' --max-time 2 "http://$admin/livez" >/dev/null || die "somebody answers at $admin already"
  "$bin/hydrapool" --listen "127.0.0.1:$port" --listen "unix:$work/socket" --admin "$admin" --workers 4 --log-level warn \
    --cgi-dir "$bin/../cgi-bin" --cgi-env "HYDRAPOOL_RECORD_FILE=$work/executions" ${supervisor:+--supervisor} \
    2>"$work/server.log" &
  server=$!
  [[ $(ask_status .totals.exits,.parent.lives | wc -l) == 2 ]] ||
    die "the server does not start: $(tail -n 1 "$work/server.log")"
}

# row NAME DEATHS FILE JQ-EXPRESSION: of what a client has left; one request is lost where it has left nothing.
row() {
  jq -er --arg name "$1" --argjson deaths "$2" "$4 | @tsv" "$3" >>"$work/rows" 2>/dev/null ||
    printf '%s\t0\t0\t1\t0\t0\t0\t0\n' "$1" >>"$work/rows"
}

# keep_asking NAME SEED OPTION...: rounds of one kind of client until $end; a line of counts for each round.
keep_asking() {
  local name=$1 draws=$2 rounds=0 left before after
  shift 2
  local address=127.0.0.1:$port
  [[ ${!#} != unix:* ]] || { address=${!#} && set -- "${@:1:$#-1}"; }
  while left=$((end - $(date +%s))) && ((left > 0)); do
    rounds=$((rounds + 1))
    before=$(deaths)
    rm -f "$work/echo.$draws"
    "$bin/harness" echo --json "$work/echo.$draws" --seed "$((draws + 1000 * rounds))" --answer-within 30s \
      --duration "$((left < round ? left : round))s" "${@//ROUND/r$draws-$rounds-}" "$address" >/dev/null 2>&1 || true
    after=$(deaths)
    row "$name" "$((after - before))" "$work/echo.$draws" '[$name, .sent, $deaths,
      .reset + .eof + .connect_failed + .refused_status - ([.cut, .reset + .eof] | min), .duplicate + .extra, .wrong,
      .cut, .unanswered]'
  done
}

# A generator of its own kind: each request is due at a time, whatever the answers do. One that was never sent, or answered
# with another status, is lost too.
keep_the_rate() {
  local left before after
  while left=$((end - $(date +%s))) && ((left > 0)); do
    before=$(deaths)
    rm -f "$work/load"
    "$bin/loadgen" -R 100 -c 50 -t 1 -d "$((left < round ? left : round))s" --timeout "$((round / 2))s" --expect-status 200 \
      --json "$work/load" "http://127.0.0.1:$port/" "http://127.0.0.1:$port/cgi-bin/hello" >/dev/null 2>&1 || true
    after=$(deaths)
    row "$generator" "$((after - before))" "$work/load" '.requests |
      [$name, .sent, $deaths, .scheduled - .ok - .in_flight_at_end, 0, 0, 0, .in_flight_at_end]'
  done
}

keep_hurting() {
  local left
  while left=$((end - $(date +%s))) && ((left > 0)); do
    "$bin/harness" inject --admin "$admin" --for "${left}s" --seed "$seed" "$@" >/dev/null 2>&1 || sleep 0.1
  done
}

keep_killing_the_parent() {
  local parent
  while (($(date +%s) < end)); do
    sleep 2
    parent=$(ask_status .parent.pid)
    [[ $(ps -o ppid= -p "${parent:-0}") -eq $server ]] || continue
    kill -KILL "$parent" && echo >>"$work/parents"
  done
}

in_background() {
  "$@" &
  helpers+=("$!")
}

# For the order of the table.
no_row_yet() { printf '%s\t0\t0\t0\t0\t0\t0\t0\n' "$1" >>"$work/rows"; }

start_everything() {
  local name options number=0
  while IFS='|' read -r name options; do
    number=$((number + 1))
    # shellcheck disable=SC2086  # a list of words
    [[ ! $name =~ $only ]] || { no_row_yet "$name" && in_background keep_asking "$name" "$((seed * 100 + number))" $options; }
  done < <(kinds)
  [[ ! $generator =~ $only ]] || { no_row_yet "$generator" && in_background keep_the_rate; }
  in_background keep_hurting --every "$every" --jitter 0.9
  in_background keep_hurting --every 1s --jitter 0.5 --target all
  in_background keep_hurting --every 300ms --jitter 0.9 --fault term
  in_background keep_hurting --every 5s --fault stop --hold 300ms
  [[ -z $supervisor ]] || in_background keep_killing_the_parent
}

# sum_of_rows FIELD-NUMBER
sum_of_rows() { awk -F '\t' -v c="$1" '{ n += $c } END { printf "%d", n }' "$work/rows"; }
bad_so_far() { awk -F '\t' '{ n += $4 + $5 + $6 + $7 + $8 } END { printf "%d", n }' "$work/rows"; }

tell_progress() {
  local start
  start=$(date +%s)
  while (($(date +%s) < end)); do
    sleep 10
    printf '%6d s  %12d requests  %7s deaths  %d lost, doubled, wrong, cut or hung\n' "$(($(date +%s) - start))" \
      "$(sum_of_rows 2)" "$(deaths)" "$(bad_so_far)"
  done
}

# What the server itself has counted, and what its programs have noted of their executions.
server_totals() {
  ask_status '.totals | "\(.lost) \(.abandoned) \(.unavailable) \(.poison) \(.cut)"'
  touch "$work/executions"
  awk '{ print $2 }' "$work/executions" | sort | uniq -d | wc -l
}

print_table() {
  local format='%-34s %12s %8s %6s %8s %6s %6s %6s\n'
  # shellcheck disable=SC2059  # a format of ours
  printf "$format" 'what' 'requests' 'deaths' 'lost' 'doubled' 'wrong' 'cut' 'hung'
  awk -F '\t' -v format="$format" '!($1 in n) { order[++kinds] = $1 }
    { n[$1] += $2; d[$1] += $3; for (i = 4; i <= 8; ++i) { bad[$1, i] += $i; sum[i] += $i }; all += $2 }
    END { for (k = 1; k <= kinds; ++k) { name = order[k]
            printf format, name, n[name], d[name], bad[name, 4], bad[name, 5], bad[name, 6], bad[name, 7], bad[name, 8] }
          printf format, "all together", all, "'"$1"'", sum[4], sum[5], sum[6], sum[7], sum[8] }' "$work/rows"
}

soak_exact() {
  local all_deaths totals executed_twice clean=1
  : >"$work/rows"
  : >"$work/parents"
  start_server
  say "Everything at once for $seconds s: a worker killed each $every, $drops${supervisor:+, the parent killed each 2 s}"
  end=$(($(date +%s) + seconds))
  start_everything
  tell_progress
  wait "${helpers[@]}" || true
  all_deaths=$(deaths)
  { read -r totals && read -r executed_twice; } < <(server_totals)
  print_table "$all_deaths"
  echo "parents killed: $(wc -l <"$work/parents"); programs that ran twice: $executed_twice; of the server: ${totals% *} lost," \
    "abandoned, unavailable, stopped as poison, and ${totals##* } cut, a flood's download that its client leaves among them"
  helpers=()
  kill -TERM "$server"
  wait "$server" || { clean='' && echo "the server ended with $?"; }
  server=''
  [[ $(sum_of_rows 2) -gt 0 && $all_deaths -gt 0 ]] || die 'nothing was exercised'
  if [[ -n $clean && $(bad_so_far) == 0 && $totals == '0 0 0 0 '* && $executed_twice == 0 ]]; then
    say "${green}PASS"
  else
    tail -n 5 "$work/server.log"
    say "${red}FAIL" && exit 1
  fi
}
