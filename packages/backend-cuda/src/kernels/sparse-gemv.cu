/**
 * sparse-gemv: the product of a list of channels with a matrix that is stored channel by channel, f32, bf16 or i8. A lane
 * makes 16 bytes of outputs; `lanes` of them read a run of one channel, and the groups of lanes in a block share the
 * channels. Bound by memory: UNROLL channels of each group are under way at once.
 */
#include "gemv.cuh"
#include "tensor-core.cuh"

struct SparseGemvArguments {
  const int *indices;
  const float *values;
  const int *count;
  const void *w;
  const float *scales;
  const void *add;
  void *y;
  float *partials;
  u32 *arrived;
  int keep;
  int inputs;
  int outputs;
  int tiles;
  int lanes;
  int is_wide;
  int is_bf16;
  int weight_bytes;
  int ahead;
};

DEVICE void fetch_ahead(const SparseGemvArguments& a) {
  fetch_weights(a.w, static_cast<long long>(a.inputs) * a.outputs * a.weight_bytes, a.ahead);
}

/** Entries of a list that are held at a time. */
constexpr int CHUNK = 2048;

/** Sums of parts that are loaded together. */
constexpr int PARTS_AT_ONCE = 8;

struct Entry {
  int channel;
  float value;
};

/** Sums and the list take turns in this memory: 32 lanes of 16 outputs in each warp need as much as the list. */
union GemvMemory {
  Entry list[CHUNK];
  float sums[GEMV_WARPS * 32 * 16];
};

/** Four words of weights: their values times x, added. */
DEVICE void add_words(float (&sums)[4], const u32 (&w)[4], float x, const float*) {
#pragma unroll
  for (int i = 0; i < 4; i++) sums[i] = fmaf(x, __uint_as_float(w[i]), sums[i]);
}
DEVICE void add_words(float (&sums)[8], const u32 (&w)[4], float x, const bf16*) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    sums[2 * i] = fmaf(x, low_bf16(w[i]), sums[2 * i]);
    sums[2 * i + 1] = fmaf(x, high_bf16(w[i]), sums[2 * i + 1]);
  }
}
/** A byte becomes the last bits of 2^23 + 128 + value: quicker than a conversion. */
DEVICE void add_words(float (&sums)[16], const u32 (&w)[4], float x, const signed char*) {
#pragma unroll
  for (int i = 0; i < 16; i++) {
    const u32 bits = __byte_perm(w[i / 4] ^ 0x80808080u, 0x4b000000u, 0x7540u | (i % 4));
    sums[i] = fmaf(x, __uint_as_float(bits) - 8388736.0f, sums[i]);
  }
}
DEVICE float weight(float w) { return w; }
DEVICE float weight(bf16 w) { return to_float(w); }
DEVICE float weight(signed char w) { return w; }

#if HAS_TENSOR_CORES
/**
 * Adds what the group's entries give, through shared memory: every thread copies its next DEPTH runs of 16 bytes in the
 * background, into places of its own, however many registers there are.
 */
template <class T, int DEPTH, int N>
DEVICE void add_copied(float (&sums)[N], const SparseGemvArguments& a, const Entry* list, int entries, int group,
                       int groups, int column, unsigned char* memory) {
  const T* w = static_cast<const T*>(a.w) + column;
  const auto place = [&](int turn) { return memory + (turn * GEMV_THREADS + threadIdx.x) * 16; };
  const auto start = [&](int i, int turn) {
    const bool exists = i < entries;
    copy_async(place(turn), w + static_cast<long long>(exists ? list[i].channel : 0) * a.outputs, exists);
    commit_copies();
  };
#pragma unroll
  for (int turn = 0; turn < DEPTH - 1; turn++) start(group + turn * groups, turn);
  int turn = 0;
  for (int i = group; i < entries; i += groups) {
    start(i + (DEPTH - 1) * groups, turn == 0 ? DEPTH - 1 : turn - 1);
    wait_for_copies<DEPTH - 1>();
    const Vector<u32, 4> words = load_vector<4>(reinterpret_cast<const u32*>(place(turn)));
    add_words(sums, words.at, list[i].value, static_cast<const T*>(nullptr));
    turn = turn == DEPTH - 1 ? 0 : turn + 1;
  }
  wait_for_copies<0>();
}
#endif

/** Adds what the group's entries of the list give for the outputs from `column` on. */
template <class T, int UNROLL, int N>
DEVICE void add_entries(float (&sums)[N], const SparseGemvArguments& a, const Entry* list, int entries, int group,
                        int groups, int column) {
  const T* w = static_cast<const T*>(a.w) + column;
  if (a.is_wide) {
    const auto round = [&](int from, bool whole) {
      Vector<u32, 4> words[UNROLL];
      float x[UNROLL];
#pragma unroll
      for (int u = 0; u < UNROLL; u++) {
        const int i = from + u * groups;
        const bool exists = whole || i < entries;
        const Entry entry = exists ? list[i] : Entry{0, 0.0f};
        x[u] = entry.value;
        words[u] = {};
        if (exists) words[u] = load_once(w + static_cast<long long>(entry.channel) * a.outputs);
      }
#pragma unroll
      for (int u = 0; u < UNROLL; u++) add_words(sums, words[u].at, x[u], static_cast<const T*>(nullptr));
    };
    int from = group;
    for (; from + (UNROLL - 1) * groups < entries; from += UNROLL * groups) round(from, true);
    if (from < entries) round(from, false);
    return;
  }
  for (int i = group; i < entries; i += groups) {
    const T* channel = w + static_cast<long long>(list[i].channel) * a.outputs;
#pragma unroll
    for (int j = 0; j < N; j++)
      if (column + j < a.outputs) sums[j] = fmaf(list[i].value, weight(channel[j]), sums[j]);
  }
}

template <class T, int UNROLL, bool COPIES = false>
DEVICE void sparse_gemv(const SparseGemvArguments& a) {
  constexpr int N = WIDE<T>;
  __shared__ __align__(16) GemvMemory memory;
  const BlockPlace block = place_of_block(a.tiles);
  const int tile = block.tile, row = block.row;
  const int own_lane = static_cast<int>(threadIdx.x) & (a.lanes - 1), group = static_cast<int>(threadIdx.x) / a.lanes;
  const int groups = GEMV_THREADS / a.lanes, width = a.lanes * N, first = tile * width;
  const int column = first + own_lane * N;
  const ListPart part = {static_cast<int>(blockIdx.y), static_cast<int>(gridDim.y)};
  const long long list = static_cast<long long>(row) * a.keep;
  const int most = part.entries(a.keep);

  float sums[N] = {};
  bool broken = false;
  int entries = 0;
  for (int begin = 0; begin == 0 || begin < entries; begin += CHUNK) {
    if (begin > 0) __syncthreads();
    // The count comes with the entries, not before them: places behind it exist and are left alone afterwards.
    const int count = entries_of_row(a.count, row, a.keep);
    const int held = min(CHUNK, most - begin);
    load_entries<4>(a.indices + list, a.values + list, part, begin, held, [&](int i, int place, int channel, float value) {
      const bool outside = static_cast<u32>(channel) >= static_cast<u32>(a.inputs);
      broken |= outside && place < count;
      memory.list[i] = {outside ? 0 : channel, value};
    });
    entries = part.entries(count);
    __syncthreads();
    if (column >= a.outputs) continue;
#if HAS_TENSOR_CORES
    DYNAMIC_SHARED(copies);
    if (COPIES && a.is_wide) {
      add_copied<T, UNROLL>(sums, a, memory.list, min(CHUNK, entries - begin), group, groups, column, copies);
      continue;
    }
#endif
    add_entries<T, COPIES ? 4 : UNROLL>(sums, a, memory.list, min(CHUNK, entries - begin), group, groups, column);
  }
  broken = __syncthreads_or(broken);

  for (int step = a.lanes; step < 32; step *= 2)
#pragma unroll
    for (int j = 0; j < N; j++) sums[j] += __shfl_xor_sync(FULL_WARP, sums[j], step);
  if (lane_index() < a.lanes) {
#pragma unroll
    for (int j = 0; j < N; j += 4)
      store_vector(&memory.sums[warp_index() * width + own_lane * N + j],
                   Vector<float, 4>{{sums[j], sums[j + 1], sums[j + 2], sums[j + 3]}});
  }
  __syncthreads();

  // What ends an output is under way while the last loads of its sum are.
  const auto finish = [&](int output, auto make_sum) {
    const long long at = static_cast<long long>(row) * a.outputs + output;
    const float scale = a.scales ? a.scales[output] : 1.0f;
    const u32 added = a.add ? bits_at(a.add, at, a.is_bf16) : 0;
    const float sum = make_sum(), scaled = a.scales ? sum * scale : sum;
    store_element(a.y, at, a.add ? scaled + number_of(added, a.is_bf16) : scaled, a.is_bf16);
  };
  float* partials = a.partials + static_cast<long long>(row) * part.parts * a.outputs;
  for (int i = threadIdx.x; i < width && first + i < a.outputs; i += GEMV_THREADS) {
    const auto sum_of_block = [&]() {
      float sum = 0;
#pragma unroll
      for (int warp = 0; warp < GEMV_WARPS; warp++) sum += memory.sums[warp * width + i];
      return broken ? __uint_as_float(0x7fffffffu) : sum;
    };
    if (part.parts == 1) finish(first + i, sum_of_block);
    else __stcg(&partials[static_cast<long long>(part.part) * a.outputs + first + i], sum_of_block());
  }
  if (part.parts == 1 || !is_last_block(a.arrived + blockIdx.x, part.parts)) return;
  for (int i = threadIdx.x; i < width && first + i < a.outputs; i += GEMV_THREADS) {
    finish(first + i, [&]() {
      float sum = 0;
#pragma unroll 1
      for (int from = 0; from < part.parts; from += PARTS_AT_ONCE) {
        float others[PARTS_AT_ONCE];
        const float* other = partials + static_cast<long long>(from) * a.outputs + first + i;
        const int left = part.parts - from;
#pragma unroll
        for (int j = 0; j < PARTS_AT_ONCE; j++, other += a.outputs) others[j] = j < left ? __ldcg(other) : 0.0f;
#pragma unroll
        for (int j = 0; j < PARTS_AT_ONCE; j++) sum = j < left ? sum + others[j] : sum;
      }
      return sum;
    });
  }
}

KERNEL(sparse_gemv_f32, 256, SparseGemvArguments) { sparse_gemv<float, 8, true>(a); }
KERNEL(sparse_gemv_bf16, 256, SparseGemvArguments) { sparse_gemv<bf16, 8, true>(a); }
KERNEL(sparse_gemv_i8, 256, SparseGemvArguments) { sparse_gemv<signed char, 8, true>(a); }
