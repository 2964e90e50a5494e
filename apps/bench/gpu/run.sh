#!/usr/bin/env bash
# Runs the packed folder (pack.mjs) on a machine with an NVIDIA GPU: bash run.sh STAGE… [results go to $OUT, default ./results]
#
#   doctor       what was found            verify    goldens in f32 and bf16
#   conformance  every op                  kernels   single kernels against the ceilings
#   decode       a token at a time: $DECODE_LIST (lines of "SHAPE WEIGHTS SPARSITIES"), $TOKENS tokens after a prompt of $PROMPT
#   decode-peer  the same shapes dense in PyTorch, eager and compiled, each in a CUDA graph (DECODE_PEER=path of torch_decode_model.py)
#   verify-decode  packed weights beside dense ones, token by token, on the goldens
#   train        the steps of ours, $SIZES and $VARIANTS        peer   the same in PyTorch (PEER=path of torch_qsparse.py)
#   warm-peer    compiles what "peer" will run, $JOBS at a time (PEER_LIST: lines of "SIZE VARIANT TOPK"), times nothing
#   peer-list    the same list, one after the other, timed
#   decode-kernels   the products that skip channels: every case, then against the dense product and the bytes they read
#   webgpu       through Dawn: what was found, conformance, goldens     webgpu-bench   products ($PRODUCTS), copies, encoding,
#                matrix units, TensorFlow.js on the same GPU, kernels, a step by kernel
#   webgpu-decode    the same products and a token at a time through Dawn; tune-products tries other layouts of workgroups
#   memcheck     conformance under compute-sanitizer, $ONLY a part of the names
#   racecheck    the same for races in shared memory, each line of RACE_LIST (names, as regular expressions) in a process of
#                its own, $JOBS at a time, for $RACE_LIMIT seconds at most
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$here/results}
mkdir -p "$out"
work=${WORK:-/tmp/qsparse-gpu}
mkdir -p "$work"
[ -x "$work/node" ] || { xz -dc "$here/node.xz" >"$work/node" && chmod +x "$work/node"; }
export QSPARSE_CACHE=${QSPARSE_CACHE:-$work/cache} NO_COLOR=1
node=$work/node
cli=$here/node_modules/@qsparse/cli/dist/main.js
qsparse() { "$node" "$cli" "$@"; }
export OUT_WARM=$work PEER=${PEER:-} TORCHINDUCTOR_CACHE_DIR=$work/inductor
decode_list="7B bf16 0,0.5
7B ternary 0,0.6
1.3B bf16 0,0.5
1.3B ternary 0,0.6
2B4T ternary 0,0.6
2B4T bf16 0,0.5"
webgpu_decode_list="2B4T ternary 0,0.6
2B4T bf16 0,0.5"
sizes=${SIZES:-125M} variants=${VARIANTS:-dense,q,b,bq}

# Dawn finds the driver through a Vulkan loader: the one that came along, with the driver's manifest from where it lies.
# NVIDIA's driver also wants Debian's libegl1, libgl1, libglx0 and libglvnd0 on the machine.
export LD_LIBRARY_PATH=$here/vulkan${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
for manifest in /etc/vulkan/icd.d /usr/share/vulkan/icd.d /usr/local/nvidia/share/vulkan/icd.d; do
  [ -z "${VK_DRIVER_FILES:-}" ] && [ -e "$manifest/nvidia_icd.json" ] && export VK_DRIVER_FILES=$manifest/nvidia_icd.json
done

for stage in "$@"; do
  echo "== $stage $(date +%T)"
  case $stage in
  kernels-here) # machine code for this GPU alone, from the checkout around
    package=$(cd "$here" && cd "${CHECKOUT:-.}" && pwd)/packages/backend-cuda
    QSPARSE_CUDA_TARGETS=${TARGETS:-90} "$node" "$package/scripts/build-kernels.mjs" 2>&1 | tail -20
    cp -r "$package/dist/fatbins" "$here/node_modules/@qsparse/backend-cuda/dist/" ;;
  doctor) qsparse doctor 2>&1 | tee "$out/doctor.txt" ;;
  conformance) "$node" "$here/conformance.mjs" "${ONLY:-}" >"$out/conformance.txt" 2>&1; tail -${TAIL:-40} "$out/conformance.txt" ;;
  own-gemm) QSPARSE_CUBLASLT=0 "$node" "$here/conformance.mjs" matmul >"$out/own-gemm.txt" 2>&1; tail -5 "$out/own-gemm.txt" ;;
  verify)
    for compute in f32 bf16; do
      for golden in "$here"/goldens/*; do
        qsparse verify "$golden" --device cuda --compute $compute >"$out/verify.log" 2>&1
        code=$?
        cat "$out/verify.log" >>"$out/verify-$compute.txt"
        echo "$compute $(basename "$golden") exit $code: $(grep -E 'FAIL|fail|\[' "$out/verify.log" | head -3 | tr '\n' ';')"
      done
    done ;;
  # One run of the tiny preset in f32 and bf16, twice each: metrics to compare with a CPU run, and bits with each other.
  tiny)
    for run in f32-a f32-b bf16-a bf16-b; do
      qsparse train --preset tiny --steps "${STEPS:-200}" --device cuda --compute "${run%-*}" --out "$work/tiny-$run" --sample-every 0 2>&1 | tail -${TAIL:-2}
      cp "$work/tiny-$run/metrics.jsonl" "$out/tiny-$run.jsonl"
    done
    for compute in f32 bf16; do
      a=$(find "$work/tiny-$compute-a" -name '*.safetensors' | sort | xargs sha256sum | cut -d' ' -f1 | sha256sum)
      b=$(find "$work/tiny-$compute-b" -name '*.safetensors' | sort | xargs sha256sum | cut -d' ' -f1 | sha256sum)
      [ "$a" = "$b" ] && echo "$compute: the same bits twice" || echo "$compute: DIFFERENT bits"
    done ;;
  kernels) qsparse bench kernels --device cuda 2>&1 | tee "$out/kernels.txt" ;;
  decode-kernels)
    "$node" "$here/conformance.mjs" GemvOp >"$out/decode-conformance.txt" 2>&1; tail -4 "$out/decode-conformance.txt"
    qsparse bench kernels --parts decode --device cuda 2>&1 | tee "$out/decode-kernels.txt" ;;
  tune-gemv) "$node" "$here/tune-gemv.mjs" ${TUNE_SHAPES:-} 2>&1 | tee "$out/tune-gemv.txt" ;;
  decode)
    echo "${DECODE_LIST:-$decode_list}" | while read -r shape weights sparsities; do
      # A process each: its memory is that of one model.
      timeout "${DECODE_LIMIT:-60}" "$node" "$cli" bench decode --device cuda --shapes "$shape" --weights "$weights" --sparsities "$sparsities" \
        --tokens "${TOKENS:-48}" --prompt "${PROMPT:-512}" --json >"$work/decode.json" 2>"$work/decode.log"
      code=$?
      cat "$work/decode.json" >>"$out/decode.jsonl"
      [ "$code" = 0 ] || { echo "$shape $weights exit $code"; tail -3 "$work/decode.log"; }
      "$node" "$here/decode-table.mjs" <"$work/decode.json"
    done ;;
  decode-peer)
    for compile in "" --compile; do
      # The last shape's vocabulary is another.
      timeout "${PEER_LIMIT:-150}" python3 "${DECODE_PEER:?the path of torch_decode_model.py}" --sizes "${DECODE_SIZES:-1.3B,7B}" $compile 2>"$work/peer.log" | tee -a "$out/decode-peer.jsonl"
      timeout "${PEER_LIMIT:-150}" python3 "$DECODE_PEER" --sizes 2B4T --V 32768 $compile 2>>"$work/peer.log" | tee -a "$out/decode-peer.jsonl"
    done
    tail -2 "$work/peer.log" ;;
  verify-decode)
    for compute in f32 bf16; do
      for golden in "$here"/goldens/*; do
        qsparse verify "$golden" --decode --device cuda --compute $compute >"$out/verify-decode.log" 2>&1
        code=$?
        cat "$out/verify-decode.log" >>"$out/verify-decode-$compute.txt"
        echo "$compute $(basename "$golden") exit $code: $(grep -E 'FAIL|fail|\[' "$out/verify-decode.log" | head -3 | tr '\n' ';')"
      done
    done ;;
  train) qsparse bench train --device cuda --sizes "$sizes" --variants "$variants" --steps "${STEPS:-20}" 2>&1 | tee -a "$out/train.txt" ;;
  train-json) qsparse bench train --device cuda --sizes "$sizes" --variants "$variants" --steps "${STEPS:-20}" --json 2>&1 | tee -a "$out/train.jsonl" | cut -c1-400 ;;
  peer) python3 "${PEER:?the path of torch_qsparse.py}" --sizes "$sizes" --variants "$variants" --steps "${STEPS:-20}" ${PEER_OPTIONS:-} 2>&1 | tee -a "$out/peer.jsonl" ;;
  warm-peer)
    echo "$PEER_LIST" | xargs -P "${JOBS:-3}" -L 1 sh -c 'python3 "$PEER" --sizes $0 --variants $1 --topk $2 --steps 1 >"$OUT_WARM/warm-$0-$1-$2.txt" 2>&1 || echo "$0 $1 $2 failed"' ;;
  peer-list)
    echo "$PEER_LIST" | while read -r size variant topk; do
      python3 "$PEER" --sizes "$size" --variants "$variant" --topk "$topk" --steps "${STEPS:-20}" 2>"$work/peer.log" | sed "s/^{/{\"topk\": \"$topk\", /" | tee -a "$out/peer.jsonl"
      [ "${PIPESTATUS[0]}" = 0 ] || tail -2 "$work/peer.log"
    done ;;
  webgpu)
    qsparse doctor 2>&1 | grep -A5 webgpu | tee "$out/webgpu-doctor.txt"
    QSPARSE_DEVICE=webgpu "$node" "$here/conformance.mjs" "${ONLY:-}" >"$out/webgpu-conformance.txt" 2>&1
    tail -${TAIL:-40} "$out/webgpu-conformance.txt"
    for golden in "$here"/goldens/*; do
      qsparse verify "$golden" --device webgpu >"$out/verify.log" 2>&1
      code=$?
      cat "$out/verify.log" >>"$out/webgpu-verify.txt"
      echo "$(basename "$golden") exit $code: $(tail -1 "$out/verify.log")"
    done ;;
  webgpu-bench)
    "$node" "$here/webgpu.mjs" 2>&1 | tee "$out/webgpu-bench.txt"
    qsparse bench kernels --device webgpu 2>&1 | tee "$out/webgpu-kernels.txt"
    qsparse bench train --device webgpu --sizes "${SIZES:-30M}" --variants "${VARIANTS:-dense,q}" --steps "${STEPS:-5}" 2>&1 | tee "$out/webgpu-train.txt" ;;
  webgpu-decode)
    QSPARSE_DEVICE=webgpu "$node" "$here/conformance.mjs" "(GemvOp|ListOp|packTernaryOp|compactOp):" >"$out/webgpu-decode-conformance.txt" 2>&1
    tail -4 "$out/webgpu-decode-conformance.txt"
    qsparse bench kernels --parts decode --device webgpu 2>&1 | tee "$out/webgpu-decode-kernels.txt"
    echo "${WEBGPU_DECODE_LIST:-$webgpu_decode_list}" | while read -r shape weights sparsities; do
      qsparse bench decode --device webgpu --shapes "$shape" --weights "$weights" --sparsities "$sparsities" --tokens "${TOKENS:-48}" 2>&1 | tee -a "$out/webgpu-decode.txt"
    done ;;
  tune-products) "$node" "$here/tune-products.mjs" ${TUNE_SHAPES:-} 2>&1 | tee "$out/tune-products.txt" ;;
  memcheck)
    compute-sanitizer --tool memcheck --print-limit 20 "$node" "$here/conformance.mjs" "${ONLY:-}" >"$out/memcheck.txt" 2>&1
    echo "memcheck exit $?"; grep -E "ERROR SUMMARY|passed" "$out/memcheck.txt" ;;
  racecheck)
    export NODE=$node HERE=$here LOGS=$work/race QSPARSE_CUBLASLT=0 RACE_LIMIT=${RACE_LIMIT:-150}
    mkdir -p "$LOGS"
    echo "$RACE_LIST" | xargs -P "${JOBS:-8}" -d '\n' -I {} sh -c '
      log=$LOGS/$(echo "$1" | tr -c "a-zA-Z0-9\n" _).txt
      timeout "$RACE_LIMIT" compute-sanitizer --tool racecheck --print-limit 5 "$NODE" "$HERE/conformance.mjs" "$1" >"$log" 2>&1
      echo "racecheck $1: exit $?, $(grep -hE "RACECHECK SUMMARY|passed|FAIL" "$log" | cut -c1-120 | tr "\n" " ")"' sh {} | tee "$out/racecheck.txt" ;;
  *) echo "there is no stage $stage"; exit 2 ;;
  esac
done
