# shellcheck shell=bash disable=SC2154
# The subject `fuzz` of scripts/soak: each fuzzer for long, from the corpus that earlier runs have found.

# fuzz_one PROGRAM: its row into $work/NAME.row; what it finds lies in build/fuzz/findings/NAME.
fuzz_one() {
  local program=$1 name corpus findings log last
  name=$(basename "$program")
  corpus=$root/build/fuzz/corpus/$name findings=$root/build/fuzz/findings/$name log=$work/$name.log
  mkdir -p "$corpus" "$findings"
  "$program" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$findings/" "$corpus" >"$log" 2>&1 || true
  last=$(grep -E '^#[0-9]+.* cov: ' "$log" | tail -n 1)
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" \
    "$(awk '$1 == "stat::number_of_executed_units:" { n = $2 } END { print n + 0 }' "$log")" \
    "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' <<<"$last")" "$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' <<<"$last")" \
    "$(sed -n 's/.* corp: \([0-9]*\)\/.*/\1/p' <<<"$last")" "$(grep -c '^Test unit written to ' "$log")" >"$work/$name.row"
}

# Prints the table; fails where anything was found, or a fuzzer has executed nothing.
soak_fuzz() {
  local programs
  mapfile -t programs < <(find "$bin" -name '*_fuzz' | grep -E -- "$only" | sort)
  ((${#programs[@]} > 0)) || die "no fuzzers in $bin"
  say "${#programs[@]} fuzzers for $seconds s each, as many at once as there are processors"
  export -f fuzz_one
  export root work seconds
  printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz_one "$@"' _
  printf '%-22s %14s %10s %10s %8s %9s\n' fuzzer executions edges features corpus findings
  sort "$work"/*.row | awk -F '\t' '{ printf "%-22s %14d %10d %10d %8d %9d\n", $1, $2, $3, $4, $5, $6 }'
  if sort "$work"/*.row | awk -F '\t' '{ bad += $6 > 0 || $2 == 0 } END { exit bad > 0 || NR == 0 }'; then
    say "${green}PASS"
  else
    grep -h -E '^(==|SUMMARY:|Test unit written)' "$work"/*.log || true
    say "${red}FAIL" && return 1
  fi
}
