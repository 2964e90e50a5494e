/*
 * rotary_heads: x [rows][heads + 2 groups][size] apart into queries [rows][heads][size], keys and values
 * [rows][groups][size], or together again when `backward`. Queries and keys are turned by the token's row of `table`
 * [length][size / 2][2], backwards when `backward`, and become NaN where its position is outside; values are copied.
 * Where there is a `place`, keys and values are caches [batch][room][groups][size] that the token goes to from there on,
 * unless that is outside.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"
#include "rope.h"

struct rotary_heads_args {
  float *x;
  const float *table;
  const int32_t *position;
  const int32_t *place;
  float *query;
  float *key;
  float *value;
  int32_t rows;
  int32_t tokens;
  int32_t heads;
  int32_t groups;
  int32_t size;
  int32_t length;
  int32_t backward;
  int32_t room;
  int32_t place_step;
  int32_t position_step; /* 1: a position for each of the rows / tokens sequences */
};

/* One token's queries, or its keys; `table` is 0 outside of the table. */
static void turn(float *whole, float *part, const float *table, int32_t heads, int32_t size, int32_t backward) {
  float *to = backward ? whole : part;
  if (table) turn_halves(backward ? part : whole, table, to, heads, size, backward ? -1 : 1);
  else fill_floats(to, __builtin_nanf(""), heads * size);
}

KERNEL(rotary_heads) {
  const struct range r = part(a->rows, 1, thread, threads);
  const int32_t queries = a->heads * a->size, keys = a->groups * a->size;
  for (int32_t token = r.begin; token < r.end; token++) {
    const int32_t batch = token / a->tokens, step = token % a->tokens;
    const int64_t at = (int64_t)(a->position ? a->position[batch * a->position_step] : 0) + step;
    const float *table = at < 0 || at >= a->length ? 0 : a->table + (int32_t)at * a->size;
    float *x = a->x + token * (queries + 2 * keys);
    turn(x, a->query + token * queries, table, a->heads, a->size, a->backward);
    const int64_t place = a->place ? (int64_t)a->place[batch * a->place_step] + step : 0;
    if (a->place && (place < 0 || place >= a->room)) continue;
    const int32_t row = a->place ? batch * a->room + (int32_t)place : token;
    float *key = a->key + row * keys, *value = a->value + row * keys;
    turn(x + queries, key, table, a->groups, a->size, a->backward);
    x += queries + keys;
    copy_floats(a->backward ? x : value, a->backward ? value : x, keys);
  }
}
