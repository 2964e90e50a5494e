#!/usr/bin/env bash
# Trains and evaluates what docs/evidence shows, each lane of runs by itself: bash apps/bench/evidence/run.sh LANE…
#
#   sweep       the one that SWEEP names
#   recipe      ternary: learning rates, schedule, norms (ternary-recipe.yaml)
#   gradients   straight-through and not, ReLU in place of top-K, dense: gradient norms and zeros by layer
#   continue    a dense SiLU model, and six ways to go on with it at equal tokens
#   tune        fine-tuning of the dense and two sparse models of "continue", with accuracies before and after
#
# IN: a folder with the YAMLs of docs/evidence, novels/ and data/ (the evaluation sets). WORK: where runs go. OUT: small results.
# QSPARSE: the command. DEVICE: cuda, cpu. DEADLINE: seconds since 1970 after which nothing is begun, and all that runs is stopped.
set -uo pipefail
: "${IN:?}" "${WORK:?}" "${OUT:?}"
qsparse=${QSPARSE:-qsparse} device=${DEVICE:-cuda} deadline=${DEADLINE:-$(($(date +%s) + 86400))}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$WORK" "$OUT/runs" "$OUT/logs"

# limited NAME COMMAND…: within the deadline, with its output in a log; SIGTERM saves a run.
limited() {
  local name=$1 left=$((deadline - $(date +%s))) began=$(date +%s) code
  shift
  [ "$left" -gt 5 ] || { echo "$name: no time left"; return 1; }
  timeout -k 5 "$left" "$@" >"$OUT/logs/$name.txt" 2>&1
  code=$?
  echo "$name: exit $code, $(($(date +%s) - began)) s"
  return $code
}

# trained NAME YAML [settings…]: one run, and its small files.
trained() {
  local name=$1 yaml=$2 code
  shift 2
  limited "$name" $qsparse train "$IN/$yaml" --out "$WORK/$name" --device "$device" "$@"
  code=$?
  mkdir -p "$OUT/runs/$name"
  cp "$WORK/$name/run.yaml" "$WORK/$name/metrics.jsonl" "$OUT/runs/$name/" 2>/dev/null
  return $code
}

# swept NAME: the sweep of NAME.yaml, and the small files of its runs.
swept() {
  local name=$1 run
  limited "$name" $qsparse scaling sweep "$IN/$name.yaml" --out "$WORK/$name" --device "$device"
  cp "$WORK/$name/sweep.csv" "$OUT/$name.csv" 2>/dev/null
  for run in "$WORK/$name"/runs/*; do
    mkdir -p "$OUT/runs/$name.$(basename "$run")"
    cp "$run/run.yaml" "$run/metrics.jsonl" "$OUT/runs/$name.$(basename "$run")/" 2>/dev/null
  done
}

# evaluated NAME RUN: accuracies on test splits, and bits a byte of the novels.
evaluated() {
  limited "eval-$1" $qsparse eval "$WORK/$2" --tasks arc-easy,openbookqa,commonsenseqa-text --data "$IN/data" --limit "${LIMIT:-1000}" --device "$device" --batch "${EVAL_BATCH:-32768}" --json
  cp "$OUT/logs/eval-$1.txt" "$OUT/eval-$1.jsonl"
  limited "text-$1" $qsparse eval "$WORK/$2" --tasks text --text "$IN/novels/valid.txt.br" --limit "${WINDOWS:-256}" --device "$device" --batch "${EVAL_BATCH:-32768}" --json
  cp "$OUT/logs/text-$1.txt" "$OUT/text-$1.jsonl"
}

for lane in "$@"; do
  case $lane in
  sweep) swept "${SWEEP:?}" ;;
  recipe) swept ternary-recipe ;;
  gradients)
    look=(--steps "${LOOK_STEPS:-600}" --diagnostics-every "${LOOK_EVERY:-50}")
    trained no-straight-through base.yaml "${look[@]}" --sparsity 0.6 --straight-through false
    trained straight-through base.yaml "${look[@]}" --sparsity 0.6
    trained relu base.yaml "${look[@]}" --method relu
    trained dense base.yaml "${look[@]}" ;;
  continue)
    trained base base.yaml --activation silu || continue
    from=(--init "$WORK/base")
    trained go-on-40 continue.yaml "${from[@]}" --sparsity 0.4 --sparsity-warmup 60
    trained go-on-dense continue.yaml "${from[@]}"
    trained go-on-60 continue.yaml "${from[@]}" --sparsity 0.6 --sparsity-warmup 60
    trained go-on-drelu continue.yaml "${from[@]}" --method drelu
    trained go-on-relufication continue.yaml "${from[@]}" --method relufication
    trained go-on-60-relu2 continue.yaml "${from[@]}" --sparsity 0.6 --sparsity-warmup 60 --activation relu2 ;;
  tune)
    node=${qsparse%% *}
    [ "$node" = qsparse ] && node=node
    "$node" "$here/sft-data.mjs" "$IN/data" "$IN/sft" | tee "$OUT/sft-data.txt"
    for kind in dense 40 60; do
      trained "tune-$kind" sft.yaml --init "$WORK/go-on-$kind"
      evaluated "after-$kind" "tune-$kind"
      evaluated "before-$kind" "go-on-$kind"
    done ;;
  *) echo "there is no lane $lane"; exit 2 ;;
  esac
done
