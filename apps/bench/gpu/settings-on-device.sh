#!/usr/bin/env bash
# Training settings that a device must hold, a line PASS or FAIL each: bash settings-on-device.sh
#
# Exact resume in f32 and bf16 (SIGTERM and SIGKILL in the middle), recomputed blocks, packed documents, LoRA and DPO against the CPU.
# QSPARSE: the command. DEVICE: cuda, cpu, webgpu. DATA: a text of at least 100 kB. WORK: a free folder, taken away at the end.
set -uo pipefail
qsparse=${QSPARSE:-qsparse} device=${DEVICE:-cuda} data=${DATA:?a text file}
work=${WORK:-$(mktemp -d)}
mkdir -p "$work"
failed=0
say() { [ "$1" = 0 ] && echo "PASS $2" || { echo "FAIL $2"; failed=1; }; }
model=(--tokenizer byte --context 256 --layers 2 --width 128 --heads 2 --kv-heads 2 --feed-forward 256 --batch 16 --warmup 5)
quiet=(--sample-every 0 --tensorboard false --validate-every 100000)
train() { $qsparse train "$@" "${quiet[@]}" >>"$work/log.txt" 2>&1; }
# What a run has learnt: all tensors of its newest checkpoint, optimizer included.
bits() { local newest; newest=$(find "$1" -name model.safetensors | sort -V | tail -1); cat "$(dirname "$newest")"/*.safetensors | sha256sum; }
losses() { grep -o '"loss":[0-9.e-]*' "$1/metrics.jsonl" | cut -d: -f2; }
# near A B TOLERANCE: the losses of two runs, step by step.
near() { paste <(losses "$1") <(losses "$2") | awk -v most="$3" 'NF != 2 { bad = 1 } { d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d } END { printf "(%d steps, at most %.1e apart) ", NR, worst; exit bad || NR == 0 || worst > most }'; }
# stopped SIGNAL RUN ARGUMENTS…: begins a run and stops it after some steps.
stopped() {
  local signal=$1 run=$2 pid i
  shift 2
  $qsparse train "$@" --out "$run" "${quiet[@]}" >>"$work/log.txt" 2>&1 &
  pid=$!
  for ((i = 0; i < 2400; i++)); do
    [ "$(wc -l <"$run/metrics.jsonl" 2>/dev/null || echo 0)" -ge "$AFTER" ] && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  kill "-$signal" "$pid" 2>/dev/null
  wait "$pid"
  echo "($signal after $(wc -l <"$run/metrics.jsonl") steps, $(ls "$run" | grep -c .) entries) "
}

steps=${STEPS:-150} every=${SAVE_EVERY:-40}
AFTER=$((steps / 2))
for compute in ${COMPUTES:-f32 bf16}; do
  run=(--data "$data" "${model[@]}" --steps "$steps" --save-every "$every" --compute "$compute" --device "$device")
  train "${run[@]}" --out "$work/whole-$compute"
  for signal in TERM KILL; do
    where=$work/$signal-$compute
    how=$(stopped "$signal" "$where" "${run[@]}" 2>/dev/null)
    train --resume "$where" --device "$device"
    [ -n "$(losses "$where")" ] && [ "$(bits "$work/whole-$compute")" = "$(bits "$where")" ]
    say $? "resume, $compute $how: the bits of a run that was never stopped"
  done
  train "${run[@]}" --steps 20 --out "$work/kept-$compute"
  train "${run[@]}" --steps 20 --recompute true --out "$work/again-$compute"
  [ "$(bits "$work/kept-$compute")" = "$(bits "$work/again-$compute")" ]
  say $? "recompute, $compute: the same bits"
done

base=(--init "$work/whole-f32" --compute f32 --context 256 --steps 8 --epochs 0 --warmup 2 --save-every 100000)
for i in $(seq 240); do
  echo "{\"prompt\":\"What is $i and $((i % 7))?\",\"completion\":\"It is $((i + i % 7)), I think.\"}" >&3
  echo "{\"prompt\":\"What is $i and $((i % 7))?\",\"chosen\":\"It is $((i + i % 7)).\",\"rejected\":\"I do not know $i.\"}" >&4
done 3>"$work/sft.jsonl" 4>"$work/dpo.jsonl"
check() { # NAME WORDS ARGUMENTS…: on this device and on the CPU
  local name=$1 words=$2
  shift 2
  train "${base[@]}" "$@" --device "$device" --out "$work/$name"
  train "${base[@]}" "$@" --device cpu --out "$work/$name-on-cpu"
  near "$work/$name" "$work/$name-on-cpu" "${TOLERANCE:-0.002}" >"$work/near.txt"
  say $? "$words $(cat "$work/near.txt")as on the CPU"
}
check packed 'packed documents' --task sft --data "$work/sft.jsonl" --batch 4
check lora 'LoRA' --task sft --data "$work/sft.jsonl" --batch 4 --lora-rank 4
check dpo 'DPO' --task dpo --data "$work/dpo.jsonl" --batch 4
[ "$(losses "$work/dpo" | head -1 | cut -c1-4)" = 0.69 ]
say $? 'DPO begins at log 2'
cp "$work/log.txt" "${OUT:-$work}/settings-log.txt" 2>/dev/null
exit $failed
