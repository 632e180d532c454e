# shellcheck shell=bash disable=SC2154
# scripts/bench truth and compare: how far the percentiles that load generators tell are from those of a server that
# knows its own service times (truth-server.mjs), how true the arrivals are, and how often `loadgen compare` is wrong.
# Sourced by scripts/bench.

truth_rate=200
truth_seconds=10

# told NAME: "P50 P99 MAX" in ms, as the tool's output in $work/out has them.
told() {
  case $1 in
    loadgen*) jq -r '.latency_us.response | "\(.p50 / 1e3) \(.p99 / 1e3) \(.max / 1e3)"' "$work/out" ;;
    wrk*) awk 'function ms(t) { return t ~ /us$/ ? t / 1e3 : t ~ /ms$/ ? t + 0 : t * 1e3 }
      / 50%/ { p = ms($2) } / 99%/ { q = ms($2) } /^ *Latency  *[0-9]/ { m = ms($4) } END { print p, q, m }' "$work/out" ;;
    hey*) hey_times "$work/out" ;;
    h2load*) awk '{ print $3 / 1e3 }' "$work/h2" | sort -n |
      awk '{ v[NR] = $1 } END { print v[int(NR * .5 + .99)], v[int(NR * .99 + .99)], v[NR] }' ;;
    ab*) awk -F, '$1 == 50 { p = $2 } $1 == 99 { q = $2 } $1 == 100 { m = $2 } END { print p, q, m }' "$work/ab" ;;
    autocannon*) jq -r '.latency | "\(.p50) \(.p99) \(.max)"' "$work/out" ;;
  esac
}

# off TOLD TRUTH: "+1.2 %".
off() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%+.1f %%", (a / b - 1) * 100 }'; }

from_truth() { curl --silent --noproxy '*' "http://127.0.0.1:$truth_port/$1"; }

# one_truth NAME COMMAND...: a row: how far p50 and p99 are off, for each kind of service time.
one_truth() {
  local name=$1 kind told truth
  shift
  printf '  %-26s' "$name"
  for kind in constant exponential pareto pause; do
    from_truth "reset?$kind" >/dev/null
    rm -f "$work/h2" "$work/ab"
    "$@" >"$work/out" 2>/dev/null || true
    read -r -a told <<<"$(told "$name")"
    read -r -a truth <<<"$(from_truth truth | jq -r '"\(.p50) \(.p99) \(.max)"')"
    printf ' %20s' "$(off "${told[0]}" "${truth[0]}"), $(off "${told[1]}" "${truth[1]}")"
  done
  printf '\n'
}

# arrivals NAME COMMAND...: two rows: Poisson arrivals at half the rate, and stages, as the server saw them.
arrivals() {
  local name=$1 due=$((truth_rate * 10))
  shift
  from_truth 'reset?constant' >/dev/null
  "$@" -R $((truth_rate / 2)) --arrival poisson -d "$((2 * truth_seconds))s" >/dev/null 2>&1
  printf '  %-26s %s\n' "$name" "$(from_truth "gaps?$(awk -v r="$truth_rate" 'BEGIN { print 2000 / r }')" |
    jq -r '"\(.n) gaps, D = \(.d * 1e4 | round / 1e4), limit \(.limit * 1e4 | round / 1e4)"')"
  from_truth 'reset?constant' >/dev/null
  "$@" --stages "$truth_rate:5s,$truth_rate:5s,0:5s" >/dev/null 2>&1
  printf '  %-26s %s\n' '' "$(from_truth truth | jq -r --argjson due "$due" '"stages: \(.n) requests of an integral of \($due)"')"
}

# start_truth: the server, at $truth_port and $h2_port. What else the machine does must not stand between the two: all of it
# at real-time priority, where that is allowed.
start_truth() {
  chrt --fifo --pid 10 $$ >/dev/null 2>&1 || say 'no real-time priority: other programs will show'
  nobody_at "127.0.0.1:$truth_port"
  node scripts/truth-server.mjs "$truth_port" "$h2_port" &
  server=$!
  await "http://127.0.0.1:$truth_port/truth" "$server"
}

# others: the tools that Debian has, and npm's autocannon where npm can be asked.
truth_of_others() {
  one_truth 'h2load --h1 --rps' h2load --h1 -t1 -c20 "-D$t" --rps=$((r / 20)) --log-file="$work/h2" "$url"
  one_truth 'h2load -m32 --rps' h2load -t1 -c5 -m32 "-D$t" --rps=$((r / 5)) --log-file="$work/h2" "$h2_url"
  one_truth 'hey -q' hey -z "${t}s" -c 20 -q $((r / 20)) -o csv "$url"
  if npm --silent install --no-save --prefix "$work/npm" autocannon >/dev/null 2>&1; then
    one_truth 'autocannon -R' "$work/npm/node_modules/.bin/autocannon" -R "$r" -c 20 -d "$t" --json "$url"
  fi
  one_truth 'wrk (closed loop)' wrk -t1 -c2 "-d${t}s" --latency "$url"
  one_truth 'ab (closed loop)' ab -k -q -c2 "-t$t" -n 1000000 -e "$work/ab" "$url"
}

bench_truth() {
  local truth_port=18304 h2_port=18305 only=${1-} url h2_url t=$truth_seconds r=$truth_rate
  url=http://127.0.0.1:$truth_port/ h2_url=http://127.0.0.1:$h2_port/
  start_truth
  local raw=("$bin/loadgen" -t1 -c256 -q --json - "$url")
  local curl=("$bin/loadgen" --engine curl -t1 -c256 -q --json - "$url")
  local h2=("$bin/loadgen" --http2 --streams 32 -t1 -c8 -q --json - "$h2_url")
  "${raw[@]}" -R "$r" -d 3s >/dev/null 2>&1 || true # the server's first requests take longer
  printf 'p50 and p99 as told, beside what the server saw (%d requests/s for %d s where there is a rate):\n' "$r" "$t"
  printf '  %-26s %20s %20s %20s %20s\n' '' 'constant 50 ms' 'exponential 50 ms' 'Pareto 1.5' 'a pause of 1 s'
  one_truth 'loadgen raw' "${raw[@]}" -R "$r" -d "${t}s"
  one_truth 'loadgen curl' "${curl[@]}" -R "$r" -d "${t}s"
  one_truth 'loadgen h2, 32 streams' "${h2[@]}" -R "$r" -d "${t}s"
  [[ $only == ours ]] || truth_of_others
  printf 'arrivals as the server saw them: Poisson (%d/s; a true one is above the limit 5 times in 100) and stages:\n' $((r / 2))
  arrivals 'loadgen raw' "${raw[@]}"
  arrivals 'loadgen curl' "${curl[@]}"
  arrivals 'loadgen h2, 32 streams' "${h2[@]}"
}

# compared PAIRS SECONDS PATH-OF-B: so many pairs of runs, all at once; what compare says of each, a line each.
compared() {
  local pairs=$1 seconds=$2 pair side pids=()
  local -A path=([a]='' [b]=$3)
  for ((pair = 0; pair < pairs; pair++)); do
    for side in a b; do
      "$bin/loadgen" -t1 -c64 -R 150 -d "${seconds}s" -q --json "$work/$pair.$side" \
        "http://127.0.0.1:$truth_port/${path[$side]}" >/dev/null 2>&1 &
      pids+=($!)
    done
  done
  wait "${pids[@]}" || true
  for ((pair = 0; pair < pairs; pair++)); do
    "$bin/loadgen" compare --json "$work/verdict" "$work/$pair.a" "$work/$pair.b" >/dev/null 2>&1 ||
      [[ -s $work/verdict ]] || echo '{"verdict": "none"}' >"$work/verdict"
    jq -r .verdict "$work/verdict"
    rm -f "$work/verdict"
  done
}

# verdicts TITLE: of the lines that come, how many there are of each.
verdicts() {
  awk -v title="$1" '{ n[$1]++ } END { printf "  %-44s %8d %8d %8d %8d\n", title, n["same"], n["better"], n["worse"], n["unclear"] + n["none"] }'
}

bench_compare() {
  local truth_port=18304 h2_port=18305 which=${1-all} batch
  start_truth
  from_truth 'reset?erlang' >/dev/null
  printf 'pairs of runs at the same time, 150 requests/s each, service times of 50 ms (sd 25), and what compare says of them:\n'
  printf '  %-44s %8s %8s %8s %8s\n' '' 'no diff.' better worse unclear
  [[ $which == slower ]] ||
    for ((batch = 0; batch < 10; batch++)); do compared 10 10 ''; done | verdicts '100 pairs of 10 s, both the same'
  [[ $which == same ]] ||
    compared 10 120 slower | verdicts '10 pairs of two minutes, B takes 5 % longer'
}
