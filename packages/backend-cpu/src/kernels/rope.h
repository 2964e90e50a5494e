/* The turn of heads that rope and rotary_heads share. */
#ifndef QSPARSE_ROPE_H
#define QSPARSE_ROPE_H

#include <stdint.h>

/*
 * Turns the pairs (i, i + size / 2) of `heads` heads of `size` floats by one row of the table [size / 2][2] (cosine,
 * sine), backwards for `sign` -1. x and y must not overlap.
 */
void turn_halves(const float *x, const float *table, float *y, int32_t heads, int32_t size, float sign);

#endif
