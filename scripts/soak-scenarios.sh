# shellcheck shell=bash disable=SC2154
# The subjects `scenarios` and `everything` of scripts/soak.

# shellcheck source=scripts/bench-verdicts.sh
. "$root/scripts/bench-verdicts.sh"

# Every scenario whose name matches, with all seeds.
soak_scenarios() {
  local file failed=0
  printf '%-16s %10s %7s %9s %8s %7s %7s %7s %10s %10s %10s\n' scenario passed faults requests rescued failed doubled \
    'idle l.' 'reap p99' 'ready p99' 'answer p99'
  for file in harness/scenarios/*.yaml; do
    [[ $(basename "$file" .yaml) =~ $only ]] || continue
    scenario "$file" || failed=1
  done
  return "$failed"
}

# everything-at-once for so many seconds instead of its eight: the same faults at the same pace to the end.
soak_everything() {
  local file=$work/everything.yaml code=0
  sed -e "s/to: 6500ms/to: $((seconds - 2))s/g; s/^duration: .*/duration: ${seconds}s/; s/^name: .*/name: everything for $seconds s/" \
    harness/scenarios/everything-at-once.yaml >"$file"
  "$bin/harness" run "$file" --seed "$seed" --json "$work/everything.json" || code=$?
  jq -r '"\(.requests.sent) requests, \(.per_fault.landed) faults landed, \(.requests.lost + .requests.cut) lost or cut, " +
    "\(.requests.duplicated + .requests.wrong) doubled or wrong, \(.requests.unexplained) unexplained, " +
    "\(.requests.abandoned) answered with 500 and above, \(.requests.idle_lost) idle connections lost"' "$work/everything.json"
  return "$code"
}
