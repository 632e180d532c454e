# shellcheck shell=bash disable=SC2154
# scripts/bench truth: how far the percentiles that load generators tell are from those of a server that knows its own
# service times (truth-server.mjs). Sourced by scripts/bench.

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
    bombardier*) jq -r '.result.latency | "\(.percentiles["50"] / 1e3) \(.percentiles["99"] / 1e3) \(.max / 1e3)"' \
      "$work/out" ;;
  esac
}

# off TOLD TRUTH: "+1.2 %".
off() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%+.1f %%", (a / b - 1) * 100 }'; }

# one_truth NAME COMMAND...: a row: how far p50, p99 and max are off, for each kind of service time.
one_truth() {
  local name=$1 kind told truth
  shift
  printf '  %-26s' "$name"
  for kind in constant exponential pareto pause; do
    curl --silent --noproxy '*' "http://127.0.0.1:$truth_port/reset?$kind" >/dev/null
    rm -f "$work/h2" "$work/ab"
    "$@" >"$work/out" 2>/dev/null || true
    read -r -a told <<<"$(told "$name")"
    read -r -a truth <<<"$(curl --silent --noproxy '*' "http://127.0.0.1:$truth_port/truth" | jq -r '"\(.p50) \(.p99) \(.max)"')"
    printf ' %22s' "$(off "${told[0]}" "${truth[0]}"), $(off "${told[1]}" "${truth[1]}")"
  done
  printf '\n'
}

bench_truth() {
  local truth_port=18304 h2_port=18305 only=${1-} url h2_url t=$truth_seconds r=$truth_rate
  url=http://127.0.0.1:$truth_port/ h2_url=http://127.0.0.1:$h2_port/
  node scripts/truth-server.mjs "$truth_port" "$h2_port" &
  server=$!
  await "$url"
  printf 'p50 and p99 as told, beside what the server saw (%d requests/s for %d s where there is a rate):\n' "$r" "$t"
  printf '  %-26s %22s %22s %22s %22s\n' '' 'constant 10 ms' 'exponential 10 ms' 'Pareto 1.5' 'a pause of 1 s'
  one_truth 'loadgen raw' "$bin/loadgen" -t1 -c256 -R "$r" -d "${t}s" -q --json - "$url"
  one_truth 'loadgen curl' "$bin/loadgen" --engine curl -t1 -c256 -R "$r" -d "${t}s" -q --json - "$url"
  one_truth 'loadgen h2, 32 streams' "$bin/loadgen" --http2 --streams 32 -t1 -c8 -R "$r" -d "${t}s" -q --json - "$h2_url"
  [[ $only != ours ]] || return 0
  one_truth 'h2load --h1 --rps' h2load --h1 -t1 -c20 "-D$t" --rps=$((r / 20)) --log-file="$work/h2" "$url"
  one_truth 'h2load -m32 --rps' h2load -t1 -c5 -m32 "-D$t" --rps=$((r / 5)) --log-file="$work/h2" "$h2_url"
  one_truth 'hey -q' hey -z "${t}s" -c 20 -q $((r / 20)) -o csv "$url"
  one_truth 'bombardier -r' bombardier -r "$r" -c 20 -d "${t}s" -l -p r -o json "$url"
  one_truth 'wrk (closed loop)' wrk -t1 -c2 "-d${t}s" --latency "$url"
  one_truth 'ab (closed loop)' ab -k -q -c2 "-t$t" -n 1000000 -e "$work/ab" "$url"
}
