/**
 * ternary-gemv: the product of a list of int8 channels with weights of 2 bits, channel by channel. A lane takes 8 bytes, 32
 * outputs, of four channels at a time: bytes of one place in the four make a word, of which a mask leaves the codes of one
 * output, and one instruction multiplies and adds four (dp4a). Sums are integers, so that every order gives the same.
 */
#include "gemv.cuh"

struct TernaryGemvArguments {
  const int *indices;
  const signed char *values;
  const int *count;
  const float *scale;
  const signed char *w;
  const float *scales;
  const void *add;
  void *y;
  u64 *cells;
  int keep;
  int inputs;
  int outputs;
  int tiles;
  int is_wide;
  int is_bf16;
  int ahead;
};

/** Bytes of a channel. */
DEVICE int channel_bytes(int outputs) { return (outputs + 255) / 256 * 64; }

DEVICE void fetch_ahead(const TernaryGemvArguments& a) {
  fetch_weights(a.w, static_cast<long long>(a.inputs) * channel_bytes(a.outputs), a.ahead);
}

/** Entries of a list that are held at a time. */
constexpr int TERNARY_CHUNK = 2048;
/** Bytes of a channel that a lane takes, and outputs in them; lanes that read a run of one channel together, and its outputs. */
constexpr int LANE_BYTES = 8;
constexpr int LANE_OUTPUTS = 4 * LANE_BYTES;
constexpr int LANES = 16;
constexpr int TILE_OUTPUTS = LANES * LANE_OUTPUTS;
/** Runs that a block reads at once. */
constexpr int GROUPS = GEMV_THREADS / LANES;
/** Entries of a list that a thread loads at once: a part is seldom longer than a block has threads. */
constexpr int TERNARY_AT_ONCE = 2;
/** Of a lane's sums in shared memory: one more than they are, so that lanes lie in other banks. */
constexpr int LANE_STRIDE = LANE_OUTPUTS + 1;
/** Outputs that a thread finishes. */
constexpr int FINISHED = TILE_OUTPUTS / GEMV_THREADS;
/**
 * A cell adds up what the parts of a list give for one output: their sums in the lower bits, and above how many they are
 * and how many of those have an index outside. It is 0 before and after a launch.
 */
constexpr u64 ONE_PART = 1ull << 48, BROKEN_PART = 1ull << 56;

union TernaryMemory {
  struct {
    int channels[TERNARY_CHUNK];
    signed char values[TERNARY_CHUNK];
  } list;
  int sums[GEMV_WARPS * LANES * LANE_STRIDE];
};

template <bool IS_WIDE>
DEVICE Vector<u32, 2> load_bytes(const signed char* from) {
  if (IS_WIDE) return load_once_8(from);
  Vector<u32, 2> words = {};
#pragma unroll
  for (int i = 0; i < LANE_BYTES; i++) words.at[i / 4] |= static_cast<u32>(static_cast<unsigned char>(from[i])) << 8 * (i % 4);
  return words;
}

/**
 * Codes of four channels times their values. sums[4 b + f]: field f of byte b; of fields 1 and 2, which stay where they are
 * in the byte, 4 and 16 times as much.
 */
DEVICE void add_codes(int* sums, u32 a, u32 b, u32 c, u32 d, int values) {
  const u32 left_low = __byte_perm(a, b, 0x5140), left_high = __byte_perm(a, b, 0x7362);
  const u32 right_low = __byte_perm(c, d, 0x5140), right_high = __byte_perm(c, d, 0x7362);
  const u32 bytes[4] = {__byte_perm(left_low, right_low, 0x5410), __byte_perm(left_low, right_low, 0x7632),
                        __byte_perm(left_high, right_high, 0x5410), __byte_perm(left_high, right_high, 0x7632)};
#pragma unroll
  for (int i = 0; i < 4; i++) {
    sums[4 * i] = __dp4a(static_cast<int>(bytes[i] & 0x03030303u), values, sums[4 * i]);
    sums[4 * i + 1] = __dp4a(static_cast<int>(bytes[i] & 0x0c0c0c0cu), values, sums[4 * i + 1]);
    sums[4 * i + 2] = __dp4a(static_cast<int>(bytes[i] & 0x30303030u), values, sums[4 * i + 2]);
    sums[4 * i + 3] = __dp4a(static_cast<int>(bytes[i] >> 6 & 0x03030303u), values, sums[4 * i + 3]);
  }
}

/** Adds the fours of the list that are the group's; FOURS of them are under way at once. */
template <int FOURS, bool IS_WIDE>
DEVICE void add_fours(int (&sums)[LANE_OUTPUTS], int& of_values, const TernaryGemvArguments& a, const TernaryMemory& memory,
                      int fours, int group, int stride, int column) {
  for (int from = group; from < fours; from += FOURS * GROUPS) {
    Vector<u32, 2> words[FOURS][4];
    int values[FOURS];
#pragma unroll
    for (int u = 0; u < FOURS; u++) {
      const int four = from + u * GROUPS;
      const bool exists = four < fours;
      values[u] = exists ? load_vector<1>(reinterpret_cast<const int*>(&memory.list.values[4 * four])).at[0] : 0;
      const Vector<int, 4> channels = exists ? load_vector<4>(&memory.list.channels[4 * four]) : Vector<int, 4>{};
#pragma unroll
      for (int j = 0; j < 4; j++) {
        words[u][j] = {};
        if (exists) words[u][j] = load_bytes<IS_WIDE>(a.w + static_cast<long long>(channels.at[j]) * stride + column);
      }
    }
#pragma unroll
    for (int u = 0; u < FOURS; u++) {
      if (u > 0 && from + u * GROUPS >= fours) break;
      of_values = __dp4a(0x01010101, values[u], of_values);
#pragma unroll
      for (int half = 0; half < 2; half++)
        add_codes(sums + 16 * half, words[u][0].at[half], words[u][1].at[half], words[u][2].at[half], words[u][3].at[half],
                  values[u]);
    }
  }
}

template <int FOURS>
DEVICE void ternary_gemv(const TernaryGemvArguments& a) {
  __shared__ __align__(16) TernaryMemory memory;
  const BlockPlace block = place_of_block(a.tiles);
  const int tile = block.tile, row = block.row;
  const int own_lane = static_cast<int>(threadIdx.x) % LANES, group = static_cast<int>(threadIdx.x) / LANES;
  const int first = tile * TILE_OUTPUTS, stride = channel_bytes(a.outputs), column = (tile * LANES + own_lane) * LANE_BYTES;
  const ListPart part = {static_cast<int>(blockIdx.y), static_cast<int>(gridDim.y)};
  const long long list = static_cast<long long>(row) * a.keep;
  const int most = part.entries(a.keep);

  float scale_of_row = 0, factors[FINISHED];
  u32 added[FINISHED];
  int sums[LANE_OUTPUTS] = {};
  int of_values = 0;
  bool broken = false;
  int entries = 0;
  for (int begin = 0; begin == 0 || begin < entries; begin += TERNARY_CHUNK) {
    if (begin > 0) __syncthreads();
    // The count comes with the entries, not before them: places behind it exist, and their values count as 0.
    const int count = entries_of_row(a.count, row, a.keep);
    const int held = min(TERNARY_CHUNK, most - begin);
    load_entries<TERNARY_AT_ONCE>(a.indices + list, a.values + list, part, begin, held, [&](int i, int place, int channel, signed char value) {
      const bool outside = static_cast<u32>(channel) >= static_cast<u32>(a.inputs);
      broken |= outside && place < count;
      memory.list.channels[i] = outside ? 0 : channel;
      memory.list.values[i] = place < count ? value : 0;
    });
    // The last four is whole.
    const int behind = held + static_cast<int>(threadIdx.x);
    if (behind < (held + 3) / 4 * 4) memory.list.channels[behind] = memory.list.values[behind] = 0;
    // Lists are full but for what is too small for a level.
    entries = count == a.keep ? most : part.entries(count);
    __syncthreads();
    // What ends an output is under way while its sum is made.
    if (begin == 0) {
      scale_of_row = a.scale[row];
#pragma unroll
      for (int j = 0; j < FINISHED; j++) {
        const int output = first + static_cast<int>(threadIdx.x) + j * GEMV_THREADS;
        const bool exists = output < a.outputs;
        factors[j] = exists ? a.scales[output] : 0.0f;
        added[j] = exists && a.add ? bits_at(a.add, static_cast<long long>(row) * a.outputs + output, a.is_bf16) : 0;
      }
    }
    const int fours = column < stride ? (min(TERNARY_CHUNK, entries - begin) + 3) / 4 : 0;
    if (a.is_wide) add_fours<FOURS, true>(sums, of_values, a, memory, fours, group, stride, column);
    else add_fours<1, false>(sums, of_values, a, memory, fours, group, stride, column);
  }
  broken = __syncthreads_or(broken);

  // A code is its weight and 1; fields 1 and 2 hold 4 and 16 times their sums.
#pragma unroll
  for (int i = 0; i < LANE_OUTPUTS; i++) sums[i] = (sums[i] >> (i % 4 == 1 ? 2 : i % 4 == 2 ? 4 : 0)) - of_values;
#pragma unroll
  for (int step = LANES; step < 32; step *= 2)
#pragma unroll
    for (int i = 0; i < LANE_OUTPUTS; i++) sums[i] += __shfl_xor_sync(FULL_WARP, sums[i], step);
  if (lane_index() < LANES) {
#pragma unroll
    for (int i = 0; i < LANE_OUTPUTS; i++) memory.sums[(warp_index() * LANES + own_lane) * LANE_STRIDE + i] = sums[i];
  }
  __syncthreads();

  u64 totals[FINISHED];
  u64* cells = a.cells + static_cast<long long>(row) * a.outputs + first;
#pragma unroll
  for (int j = 0; j < FINISHED; j++) {
    const int i = static_cast<int>(threadIdx.x) + j * GEMV_THREADS;
    totals[j] = 0;
    if (first + i >= a.outputs) continue;
    const int byte = i / 256 * 64 + i % 64, field = i / 64 % 4;
    const int* of_output = memory.sums + byte / LANE_BYTES * LANE_STRIDE + byte % LANE_BYTES * 4 + field;
    int sum = 0;
#pragma unroll
    for (int warp = 0; warp < GEMV_WARPS; warp++) sum += of_output[warp * LANES * LANE_STRIDE];
    totals[j] = static_cast<u64>(static_cast<long long>(sum)) + ONE_PART + (broken ? BROKEN_PART : 0);
    if (part.parts > 1) totals[j] += atomicAdd(&cells[i], totals[j]);
  }
#pragma unroll
  for (int j = 0; j < FINISHED; j++) {
    const int i = static_cast<int>(threadIdx.x) + j * GEMV_THREADS;
    // A sum below 0 takes one from the bits above it.
    const u64 counts = totals[j] + ONE_PART / 2;
    if (static_cast<int>(counts % BROKEN_PART / ONE_PART) < part.parts) continue;
    if (part.parts > 1) atomicExch(&cells[i], 0ull);
    const float sum = static_cast<float>(static_cast<int>(static_cast<u32>(totals[j])));
    const float scaled = counts >= BROKEN_PART ? __uint_as_float(0x7fffffffu) : sum * (scale_of_row * factors[j]);
    store_element(a.y, static_cast<long long>(row) * a.outputs + first + i, a.add ? scaled + number_of(added[j], a.is_bf16) : scaled,
                  a.is_bf16);
  }
}

KERNEL(ternary_gemv, 256, TernaryGemvArguments) { ternary_gemv<2>(a); }
