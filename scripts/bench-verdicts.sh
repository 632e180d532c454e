# shellcheck shell=bash disable=SC2154
# The verdicts of `harness run` and `harness attach`, many times over; sourced by scripts/bench, which starts the servers.

seeds=20

# scenario FILE: all its seeds; a row of the table, and why it did not pass, if so. 77: this machine cannot do its faults.
scenario() {
  local seed name passed=0 code results=()
  name=$(basename "$1" .yaml)
  for ((seed = 1; seed <= seeds; seed++)); do
    code=0
    "$bin/harness" run "$1" --seed "$seed" --json "$work/$name-$seed.json" >"$work/screen" 2>&1 || code=$?
    ((code == 0)) || cat "$work/screen" >&2
    if ((code == 77)); then
      printf '%-16s refused: %s\n' "$name" "$(tail -1 "$work/screen")"
      return 77
    fi
    ((code != 0)) || passed=$((passed + 1))
    results+=("$work/$name-$seed.json")
  done
  jq -rs --arg name "$name" --arg passed "$passed" '
    def worst(f): [.[] | f // empty] | if length == 0 then "-" else (max / 10 | round / 100 | tostring) + " ms" end;
    [$name, $passed, length, (map(.per_fault.landed) | add), (map(.requests.sent) | add),
     (map(.requests.rescued) | add), (map(.requests.lost + .requests.cut + .requests.abandoned) | add),
     (map(.requests.duplicated + .requests.wrong) | add), (map(.requests.idle_lost) | add),
     worst(.measured.reap_p99), worst(.measured.ready_p99), worst(.measured.recovery_p99)] | @tsv' "${results[@]}" |
    awk -F '\t' '{ printf "%-16s %3s of %-3s %7s %9s %8s %7s %7s %7s %10s %10s %10s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 }'
  ((passed == seeds))
}

# scenarios_like REGEX: the table of those whose name it matches. Dies where none could be run.
scenarios_like() {
  local file code ran=0 failed=0
  printf '%-16s %10s %7s %9s %8s %7s %7s %7s %10s %10s %10s\n' scenario passed faults requests rescued failed doubled \
    'idle l.' 'reap p99' 'ready p99' 'answer p99'
  for file in harness/scenarios/*.yaml; do
    [[ $(basename "$file" .yaml) =~ $1 ]] || continue
    code=0
    scenario "$file" || code=$?
    ((code == 77)) || ran=$((ran + 1))
    ((code == 0 || code == 77)) || failed=1
  done
  ((ran > 0)) || die "no scenario was run${1:+ whose name matches '$1'}"
  return "$failed"
}

bench_scenarios() { scenarios_like ''; }

# watching_cost FILE: CPU of the harness itself, without its clients, for two seconds of that scenario, as a part of a core.
watching_cost() {
  local run before after
  "$bin/harness" run "$1" --seed 1 >"$work/screen" 2>&1 &
  run=$!
  sleep 1.5
  before=$(own_nanoseconds "$run")
  sleep 2
  after=$(own_nanoseconds "$run")
  wait "$run" || cat "$work/screen" >&2
  awk -v from="$before" -v to="$after" \
    'BEGIN { split(from, a); split(to, b); printf "%.2f\n", 100 * (b[1] - a[1]) / (b[2] - a[2]) }'
}

# own_nanoseconds PID: on a CPU, of all its threads, and of the clock.
own_nanoseconds() {
  cat "/proc/$1"/task/*/schedstat 2>/dev/null | awk -v now="$(awk '{ printf "%.0f", $1 * 1e9 }' /proc/uptime)" \
    '{ sum += $1 } END { printf "%.0f %s\n", sum, now }'
}

bench_watching() {
  local name each costs
  sed 's/every: 50ms/every: 1s/' harness/scenarios/kill-storm.yaml >"$work/kill-each-second.yaml"
  for name in harness/scenarios/steady "$work/kill-each-second" harness/scenarios/{kill-storm,kill-any-process,reload-storm,cgi-zoo}; do
    costs=()
    for each in 1 2 3; do costs+=("$(watching_cost "$name.yaml")"); done
    printf '%-18s the harness takes %s %% of a core (median of %s)\n' "${name##*/}" "$(median "${costs[@]}")" "${costs[*]}"
  done
}

# nginx's loss for each kill, as wrk sees it: errors by kills that landed.
wrk_loss() {
  faults "$nginx" --fault kill --target random --every 250ms --count "$kills"
  wrk -c64 -t1 -d"${span}s" "http://127.0.0.1:$nginx_port/" >"$work/wrk"
  wait "$injector" || true
  awk -v kills="$(jq .faults.landed "$work/faults")" '
    /Socket errors/ { gsub(",", ""); errors = $4 + $6 + $8 + $10 } END { printf "%.2f\n", errors / kills }' "$work/wrk"
}

# The same as harness attach sees it.
attach_loss() {
  "$bin/harness" attach --parent "$nginx" --connections 64 --idle 0 --every 250ms --from 250ms \
    --duration "${span}s" --json "$work/attach.json" "$@" "http://127.0.0.1:$nginx_port/" >"$work/screen" 2>&1 ||
    cat "$work/screen" >&2
  jq '(.per_fault.lost + .per_fault.cut) // 0 | . * 100 | round / 100' "$work/attach.json"
}

bench_attach() {
  local round kills=24 span=8 ours=() theirs=()
  start_nginx
  for round in 1 2 3 4 5 6 7; do
    theirs+=("$(wrk_loss)")
    ours+=("$(attach_loss)")
    printf 'round %s: wrk %s, harness attach %s requests lost for each kill\n' "$round" "${theirs[-1]}" "${ours[-1]}"
  done
  printf 'medians: wrk %s, harness attach %s\n' "$(median "${theirs[@]}")" "$(median "${ours[@]}")"
  span=4
  attach_loss --no-faults >/dev/null
  jq -r '"no faults: \(.requests.sent) requests, \(.requests.lost + .requests.cut + .requests.abandoned) lost"' \
    "$work/attach.json"
}
