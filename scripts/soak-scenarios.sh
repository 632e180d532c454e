# shellcheck shell=bash disable=SC2154
# The subjects `scenarios` and `everything` of scripts/soak.

# shellcheck source=scripts/bench-verdicts.sh
. "$root/scripts/bench-verdicts.sh"

# Every scenario whose name matches, with all seeds.
soak_scenarios() { scenarios_like "$only"; }

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
