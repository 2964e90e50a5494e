/**
 * What the products of channel lists share (sparse-gemv.cu, ternary-gemv.cu). A block makes a run of outputs from one part
 * of a row's list; where a list has several parts, the last block to finish a run adds them, in their order.
 */
#pragma once
#include "last-block.cuh"

/** Threads of a block. */
constexpr int GEMV_THREADS = 256;
constexpr int GEMV_WARPS = GEMV_THREADS / 32;
/** Neighbours in a list that stay in one part. The same as in gemv-parts.ts. */
constexpr int RUN = 8;

/** A part's entries of a list: runs in turn, so that parts are even whatever the count is. */
struct ListPart {
  int part;
  int parts;
  /** Place in the list of an entry of this part. */
  DEVICE int place(int entry) const { return (entry / RUN * parts + part) * RUN + entry % RUN; }
  /** Entries of this part among the first `count` of the list. */
  DEVICE int entries(int count) const {
    const int round = RUN * parts;
    return count / round * RUN + min(max(count % round - part * RUN, 0), RUN);
  }
};

/** Which run of outputs of which row a block makes. */
struct BlockPlace {
  int tile;
  int row;
};
DEVICE BlockPlace place_of_block(int tiles) {
  const int block = static_cast<int>(blockIdx.x);
  // Decoding has one row: no division then, which everything else would wait for.
  if (block < tiles) return {block, 0};
  return {block % tiles, block / tiles};
}

/** Of a row, whatever its count says. */
DEVICE int entries_of_row(const int* count, int row, int keep) { return min(max(count[row], 0), keep); }

/**
 * The first weights of the matrix, `ahead` bytes by each block: while the list is made, nothing else reads memory, and
 * some of its channels are among them. `bytes`: of the whole matrix.
 */
DEVICE void fetch_weights(const void* w, long long bytes, int ahead) {
  if (ahead == 0 || threadIdx.x != 0) return;
  const long long from = (static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x) * ahead;
  const long long left = (bytes - from) / 16 * 16;
  if (left > 0) fetch_into_cache(static_cast<const unsigned char*>(w) + from, static_cast<u32>(left < ahead ? left : ahead));
}

/**
 * Loads `held` entries of a part from its entry `begin` on, AT_ONCE of a thread under way at once; store(i, place, channel,
 * value) takes the i-th of them.
 */
template <int AT_ONCE, class Value, class Store>
DEVICE void load_entries(const int* indices, const Value* values, const ListPart& part, int begin, int held, Store store) {
  for (int from = threadIdx.x; from < held; from += AT_ONCE * GEMV_THREADS) {
    int channels[AT_ONCE];
    Value numbers[AT_ONCE];
#pragma unroll
    for (int j = 0; j < AT_ONCE; j++) {
      const int i = from + j * GEMV_THREADS, place = part.place(begin + i);
      channels[j] = i < held ? indices[place] : 0;
      numbers[j] = i < held ? values[place] : Value{};
    }
#pragma unroll
    for (int j = 0; j < AT_ONCE; j++) {
      const int i = from + j * GEMV_THREADS;
      if (i < held) store(i, part.place(begin + i), channels[j], numbers[j]);
    }
  }
}

/**
 * Element `i` of f32 or bf16 memory as it lies there, and the number that it is: apart, since a thread waits for what it
 * loads only where it computes with it.
 */
DEVICE u32 bits_at(const void* from, long long i, bool is_bf16) {
  return is_bf16 ? static_cast<u32>(static_cast<const u16*>(from)[i]) : static_cast<const u32*>(from)[i];
}
DEVICE float number_of(u32 bits, bool is_bf16) { return __uint_as_float(is_bf16 ? bits << 16 : bits); }
DEVICE void store_element(void* to, long long i, float value, bool is_bf16) {
  if (is_bf16) static_cast<bf16*>(to)[i] = from_float<bf16>(value);
  else static_cast<float*>(to)[i] = value;
}
