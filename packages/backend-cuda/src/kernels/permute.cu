/**
 * permute: elements in a new order of dimensions. permute.ts merges dimensions that stay together, so two cases are
 * left: the last dimension stays last (permute_rows: whole runs move), or it does not (permute_tiles: a batch of matrix
 * transposes through tiles in shared memory, so that reads and writes both go along rows).
 */
#include "movement.cuh"

/**
 * y is dense, row-major over [.., size1, size2, size3, width]; stride_k is how far a step of dimension k goes in x. All
 * in units.
 */
struct PermuteRowsArguments {
  const void *x;
  void *y;
  long long count;
  long long width;
  long long stride0;
  long long stride1;
  long long stride2;
  long long stride3;
  int size1;
  int size2;
  int size3;
};

template <class Unit>
DEVICE void permute_rows(const PermuteRowsArguments& a) {
  const Unit* x = static_cast<const Unit*>(a.x);
  Unit* y = static_cast<Unit*>(a.y);
  const bool small = a.count <= 0xffffffffLL;
  each<2>(
      a.count,
      [&](long long i) {
        const long long row = quotient(i, a.width, small);
        const long long rest2 = quotient(row, a.size3, small), rest1 = quotient(rest2, a.size2, small);
        const long long i0 = quotient(rest1, a.size1, small);
        return x[i0 * a.stride0 + (rest1 - i0 * a.size1) * a.stride1 + (rest2 - rest1 * a.size2) * a.stride2 +
                 (row - rest2 * a.size3) * a.stride3 + i - row * a.width];
      },
      [&](long long i, const Unit& unit) { y[i] = unit; });
}

KERNEL(permute_rows_1, 256, PermuteRowsArguments) { permute_rows<Unit1>(a); }
KERNEL(permute_rows_2, 256, PermuteRowsArguments) { permute_rows<Unit2>(a); }
KERNEL(permute_rows_4, 256, PermuteRowsArguments) { permute_rows<Unit4>(a); }
KERNEL(permute_rows_8, 256, PermuteRowsArguments) { permute_rows<Unit8>(a); }
KERNEL(permute_rows_16, 256, PermuteRowsArguments) { permute_rows<Unit16>(a); }

/**
 * For every (i0, i1, i2): x holds a [rows, columns] matrix whose rows are x_stride apart and whose columns are
 * neighbours; y gets its transpose, rows y_stride apart. In elements. A block does one tile.
 */
struct PermuteTilesArguments {
  const void *x;
  void *y;
  long long x_stride;
  long long x_stride0;
  long long x_stride1;
  long long x_stride2;
  long long y_stride;
  long long y_stride0;
  long long y_stride1;
  long long y_stride2;
  int size1;
  int size2;
  int rows;
  int columns;
  int row_tiles;
  int column_tiles;
};

/** The same as in permute.ts. */
constexpr int SIDE = 32;

template <class T>
DEVICE void permute_tiles(const PermuteTilesArguments& a) {
  __shared__ T tile[SIDE][SIDE + 1];
  const int row_tile = blockIdx.x % a.row_tiles, rest = blockIdx.x / a.row_tiles;
  const int column_tile = rest % a.column_tiles, matrix = rest / a.column_tiles;
  const int i2 = matrix % a.size2, rest1 = matrix / a.size2, i1 = rest1 % a.size1, i0 = rest1 / a.size1;
  const T* x = static_cast<const T*>(a.x) + i0 * a.x_stride0 + i1 * a.x_stride1 + i2 * a.x_stride2;
  T* y = static_cast<T*>(a.y) + i0 * a.y_stride0 + i1 * a.y_stride1 + i2 * a.y_stride2;
  const int first_row = row_tile * SIDE, first_column = column_tile * SIDE;
  const int along = threadIdx.x % SIDE, across = threadIdx.x / SIDE;
  for (int i = across; i < SIDE; i += 256 / SIDE) {
    const int row = first_row + i, column = first_column + along;
    if (row < a.rows && column < a.columns) tile[i][along] = x[row * a.x_stride + column];
  }
  __syncthreads();
  for (int i = across; i < SIDE; i += 256 / SIDE) {
    const int row = first_row + along, column = first_column + i;
    if (row < a.rows && column < a.columns) y[column * a.y_stride + row] = tile[along][i];
  }
}

KERNEL(permute_tiles_1, 256, PermuteTilesArguments) { permute_tiles<Unit1>(a); }
KERNEL(permute_tiles_2, 256, PermuteTilesArguments) { permute_tiles<Unit2>(a); }
KERNEL(permute_tiles_4, 256, PermuteTilesArguments) { permute_tiles<Unit4>(a); }
