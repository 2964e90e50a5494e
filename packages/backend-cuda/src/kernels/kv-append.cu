/** kv-append: cache[b, position_b + t] = x[b, t]. A token outside of the cache is skipped. */
#include "movement.cuh"

/** cache [batch, length, width] and x [batch, tokens, width], `width` in units; rows: batch · tokens. */
struct KvAppendArguments {
  void *cache;
  const void *x;
  const int *position;
  long long rows;
  long long width;
  int tokens;
  int length;
  int position_step;
};

template <class Unit>
DEVICE void kv_append(const KvAppendArguments& a) {
  const Unit* x = static_cast<const Unit*>(a.x);
  Unit* cache = static_cast<Unit*>(a.cache);
  const long long count = a.rows * a.width, shared = *a.position;
  const bool small = count <= 0xffffffffLL;
  each_index(count, [&](long long i) {
    const long long row = quotient(i, a.width, small), batch = quotient(row, a.tokens, small);
    const long long position = a.position_step ? a.position[batch] : shared;
    const long long at = position + row - batch * a.tokens;
    if (at >= 0 && at < a.length) cache[(batch * a.length + at) * a.width + i - row * a.width] = x[i];
  });
}

KERNEL(kv_append_2, 256, KvAppendArguments) { kv_append<Unit2>(a); }
KERNEL(kv_append_4, 256, KvAppendArguments) { kv_append<Unit4>(a); }
KERNEL(kv_append_8, 256, KvAppendArguments) { kv_append<Unit8>(a); }
KERNEL(kv_append_16, 256, KvAppendArguments) { kv_append<Unit16>(a); }
