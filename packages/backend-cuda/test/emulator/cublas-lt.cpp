/**
 * Stands in for libcublasLt in the tests: the calls that the backend makes, computed by plain loops in the order of the
 * stream. As strict as the real one and stricter: attributes of the wrong size, dead descriptors, operands that are less
 * aligned than was promised, an algorithm of another problem, too little workspace are refused.
 *
 * Its algorithms add in different orders, so that a test sees which one ran:
 *   0 from the first to the last, 1 from the last to the first, 2 two halves (reduction scheme COMPUTE_TYPE, needs
 *   workspace), 3 two halves rounded to the result's dtype (scheme OUTPUT_TYPE; proposed first to whoever allows it).
 *
 * The emulator's FAIL option makes calls fail with a status of cuBLAS (FAIL=cublasLtMatmul:1:13); the qsparseCublasLt…
 * entry points below slow algorithms down and count.
 */
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "driver/state.h"
#include "runtime/memory.h"
#include "runtime/options.h"

namespace {

enum Status { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
/** What the driver says later of work that read or wrote elsewhere. */
constexpr int ILLEGAL_ADDRESS = 700;
enum Type { F32 = 0, BF16 = 14 };
constexpr int COMPUTE_32F = 68;
constexpr uint32_t COMPUTE_TYPE_SCHEME = 2;
constexpr uint32_t OUTPUT_TYPE_SCHEME = 4;

enum class Kind { handle, layout, operation, preference };
struct Object {
  Kind kind;
};
struct Handle : Object {};
struct Layout : Object {
  int type;
  uint64_t rows, columns;
  int64_t leading;
  int32_t batch;
  int64_t stride;
};
struct Operation : Object {
  int compute, scale;
  int32_t transpose[2];
};
struct Preference : Object {
  uint64_t workspace;
  uint32_t schemes;
  uint32_t alignments[4];
};

/** Inside the 64 bytes that cuBLASLt calls opaque. */
struct Algorithm {
  uint64_t mark;
  uint64_t problem;
  uint64_t workspace;
  uint32_t id;
  uint32_t scheme;
  uint32_t alignments[4];
  uint8_t rest[16];
};
static_assert(sizeof(Algorithm) == 64);
constexpr uint64_t MARK = 0x514c74416c676f31u;

struct HeuristicResult {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(HeuristicResult) == 96);

std::set<Object*> live;
std::map<std::string, int> calls;
uint32_t slow_algorithms = 0;
int last_algorithm = -1;

/** Counts a call; the status that it must fail with, or 0. */
int enter(const char* call) {
  calls[call]++;
  return emulated::injected_failure(call);
}

template <class T>
T* alive(void* object, Kind kind) {
  T* typed = static_cast<T*>(object);
  return live.count(typed) && typed->kind == kind ? typed : nullptr;
}

template <class T>
int create(const char* call, void** out, const T& value) {
  if (const int status = enter(call)) return status;
  if (!out) return INVALID_VALUE;
  T* made = new T(value);
  live.insert(made);
  *out = made;
  return SUCCESS;
}

template <class T>
int destroy(const char* call, void* object, Kind kind) {
  if (const int status = enter(call)) return status;
  T* typed = alive<T>(object, kind);
  if (!typed) return INVALID_VALUE;
  live.erase(typed);
  delete typed;
  return SUCCESS;
}

template <class T>
int set(T& to, const void* value, size_t bytes) {
  if (!value || bytes != sizeof(T)) return INVALID_VALUE;
  memcpy(&to, value, bytes);
  return SUCCESS;
}

bool is_power_of_two(uint32_t x) { return x != 0 && (x & (x - 1)) == 0; }

/** A product with everything that is needed to run it later. */
struct Problem {
  Operation operation;
  Layout a, b, c, d;
  uint64_t m, n, k;
};

/** SUCCESS, or why cuBLASLt takes no such product. */
int describe(void* operation, void* a, void* b, void* c, void* d, Problem& problem) {
  const Operation* of = alive<Operation>(operation, Kind::operation);
  const Layout* layouts[4] = {alive<Layout>(a, Kind::layout), alive<Layout>(b, Kind::layout),
                              alive<Layout>(c, Kind::layout), alive<Layout>(d, Kind::layout)};
  if (!of) return INVALID_VALUE;
  for (const Layout* layout : layouts) {
    if (!layout || layout->leading < static_cast<int64_t>(layout->rows) || layout->batch < 1) return INVALID_VALUE;
    if (layout->batch != layouts[3]->batch) return INVALID_VALUE;
  }
  problem = {*of, *layouts[0], *layouts[1], *layouts[2], *layouts[3], 0, 0, 0};
  const bool transpose_a = of->transpose[0] != 0;
  const bool transpose_b = of->transpose[1] != 0;
  problem.m = transpose_a ? problem.a.columns : problem.a.rows;
  problem.k = transpose_a ? problem.a.rows : problem.a.columns;
  problem.n = transpose_b ? problem.b.rows : problem.b.columns;
  if (problem.k != (transpose_b ? problem.b.columns : problem.b.rows)) return INVALID_VALUE;
  for (const Layout* result : {&problem.c, &problem.d}) {
    if (result->rows != problem.m || result->columns != problem.n) return INVALID_VALUE;
    if (result->batch > 1 && result->stride < result->leading * static_cast<int64_t>(result->columns)) return INVALID_VALUE;
  }
  if (of->compute != COMPUTE_32F || of->scale != F32) return NOT_SUPPORTED;
  if (problem.a.type != problem.b.type || problem.c.type != problem.d.type) return NOT_SUPPORTED;
  const bool known = problem.a.type == F32 ? problem.d.type == F32 : problem.d.type == F32 || problem.d.type == BF16;
  return known ? SUCCESS : NOT_SUPPORTED;
}

/** Equal for equal problems. */
uint64_t fingerprint(const Problem& problem) {
  uint64_t hash = 1469598103934665603u;
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 1099511628211u; };
  for (const Layout* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
    for (const uint64_t value : {static_cast<uint64_t>(layout->type), layout->rows, layout->columns,
                                 static_cast<uint64_t>(layout->leading), static_cast<uint64_t>(layout->batch),
                                 static_cast<uint64_t>(layout->stride)})
      add(value);
  }
  add(problem.operation.transpose[0]);
  add(problem.operation.transpose[1]);
  return hash;
}

size_t split_workspace(const Problem& problem) { return problem.m * problem.n * problem.d.batch * 2 * sizeof(float); }

float load(const void* from, int type, uint64_t at) {
  if (type == F32) return static_cast<const float*>(from)[at];
  const uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t*>(from)[at]) << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

uint16_t to_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

void store(void* to, int type, uint64_t at, float value) {
  if (type == F32) static_cast<float*>(to)[at] = value;
  else static_cast<uint16_t*>(to)[at] = to_bf16(value);
}

float rounded_to(int type, float value) {
  const uint16_t bits = to_bf16(value);
  return type == F32 ? value : load(&bits, BF16, 0);
}

/** Rows of op(x), or columns where `columns`, one after the other, each along k. */
std::vector<float> gathered(const Layout& layout, const void* from, int64_t offset, bool along_rows, uint64_t count, uint64_t k) {
  std::vector<float> values(count * k);
  for (uint64_t i = 0; i < count; i++) {
    for (uint64_t l = 0; l < k; l++) {
      const uint64_t at = along_rows ? i * layout.leading + l : l * layout.leading + i;
      values[i * k + l] = load(from, layout.type, offset + at);
    }
  }
  return values;
}

float dot(const float* x, const float* y, uint64_t k, const Algorithm& algorithm, int result_type) {
  const auto part = [&](uint64_t first, uint64_t end) {
    float sum = 0;
    for (uint64_t l = first; l < end; l++) sum += x[l] * y[l];
    return sum;
  };
  if (algorithm.id == 0) return part(0, k);
  if (algorithm.id == 1) {
    float sum = 0;
    for (uint64_t l = k; l-- > 0;) sum += x[l] * y[l];
    return sum;
  }
  const float halves[2] = {part(0, k / 2), part(k / 2, k)};
  if (algorithm.scheme == COMPUTE_TYPE_SCHEME) return halves[0] + halves[1];
  return rounded_to(result_type, rounded_to(result_type, halves[0]) + rounded_to(result_type, halves[1]));
}

struct Operands {
  float alpha, beta;
  const void *a, *b, *c;
  void* d;
};

/** Whether a matrix of the whole batch is inside of one allocation. */
bool is_inside(const Layout& layout, const void* from) {
  const uint64_t last = (layout.batch - 1) * layout.stride + (layout.columns - 1) * layout.leading + layout.rows;
  return emulated::is_allocated(reinterpret_cast<uintptr_t>(from), last * (layout.type == F32 ? 4 : 2));
}

void multiply(const Problem& problem, const Algorithm& algorithm, const Operands& operands) {
  for (int batch = 0; batch < problem.d.batch; batch++) {
    const auto [m, n, k] = std::make_tuple(problem.m, problem.n, problem.k);
    const bool transpose_a = problem.operation.transpose[0] != 0;
    const bool transpose_b = problem.operation.transpose[1] != 0;
    const std::vector<float> rows = gathered(problem.a, operands.a, batch * problem.a.stride, transpose_a, m, k);
    const std::vector<float> columns = gathered(problem.b, operands.b, batch * problem.b.stride, !transpose_b, n, k);
    for (uint64_t j = 0; j < n; j++) {
      for (uint64_t i = 0; i < m; i++) {
        const float sum = operands.alpha * dot(&rows[i * k], &columns[j * k], k, algorithm, problem.d.type);
        const uint64_t c_at = batch * problem.c.stride + j * problem.c.leading + i;
        const uint64_t d_at = batch * problem.d.stride + j * problem.d.leading + i;
        // Memory that counts for nothing may hold anything: it is not read.
        const float before = operands.beta == 0 ? 0 : operands.beta * load(operands.c, problem.c.type, c_at);
        store(operands.d, problem.d.type, d_at, operands.beta == 0 ? sum : sum + before);
      }
    }
  }
}

void take_long() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
  while (std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace

EXPORT size_t cublasLtGetVersion() { return 130100; }

EXPORT const char* cublasLtGetStatusName(int status) {
  switch (status) {
    case SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case 3: return "CUBLAS_STATUS_ALLOC_FAILED";
    case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case 8: return "CUBLAS_STATUS_ARCH_MISMATCH";
    case EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case 14: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    default: return "CUBLAS_STATUS_UNKNOWN";
  }
}

EXPORT int cublasLtCreate(void** handle) {
  if (!emulated::has_current_context) return NOT_INITIALIZED;
  return create("cublasLtCreate", handle, Handle{{Kind::handle}});
}
EXPORT int cublasLtDestroy(void* handle) { return destroy<Handle>("cublasLtDestroy", handle, Kind::handle); }

EXPORT int cublasLtMatrixLayoutCreate(void** layout, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  if (rows == 0 || columns == 0) return INVALID_VALUE;
  return create("cublasLtMatrixLayoutCreate", layout, Layout{{Kind::layout}, type, rows, columns, leading, 1, 0});
}
EXPORT int cublasLtMatrixLayoutDestroy(void* layout) {
  return destroy<Layout>("cublasLtMatrixLayoutDestroy", layout, Kind::layout);
}
EXPORT int cublasLtMatrixLayoutSetAttribute(void* layout, int attribute, const void* value, size_t bytes) {
  if (const int status = enter("cublasLtMatrixLayoutSetAttribute")) return status;
  Layout* to = alive<Layout>(layout, Kind::layout);
  if (!to) return INVALID_VALUE;
  if (attribute == 5) return set(to->batch, value, bytes);
  if (attribute == 6) return set(to->stride, value, bytes);
  return INVALID_VALUE;
}

EXPORT int cublasLtMatmulDescCreate(void** operation, int compute, int scale) {
  return create("cublasLtMatmulDescCreate", operation, Operation{{Kind::operation}, compute, scale, {0, 0}});
}
EXPORT int cublasLtMatmulDescDestroy(void* operation) {
  return destroy<Operation>("cublasLtMatmulDescDestroy", operation, Kind::operation);
}
EXPORT int cublasLtMatmulDescSetAttribute(void* operation, int attribute, const void* value, size_t bytes) {
  if (const int status = enter("cublasLtMatmulDescSetAttribute")) return status;
  Operation* to = alive<Operation>(operation, Kind::operation);
  if (!to) return INVALID_VALUE;
  if (attribute == 3) return set(to->transpose[0], value, bytes);
  if (attribute == 4) return set(to->transpose[1], value, bytes);
  return INVALID_VALUE;
}

EXPORT int cublasLtMatmulPreferenceCreate(void** preference) {
  const Preference defaults = {{Kind::preference}, 0, 7, {256, 256, 256, 256}};
  return create("cublasLtMatmulPreferenceCreate", preference, defaults);
}
EXPORT int cublasLtMatmulPreferenceDestroy(void* preference) {
  return destroy<Preference>("cublasLtMatmulPreferenceDestroy", preference, Kind::preference);
}
EXPORT int cublasLtMatmulPreferenceSetAttribute(void* preference, int attribute, const void* value, size_t bytes) {
  if (const int status = enter("cublasLtMatmulPreferenceSetAttribute")) return status;
  Preference* to = alive<Preference>(preference, Kind::preference);
  if (!to) return INVALID_VALUE;
  if (attribute == 1) return set(to->workspace, value, bytes);
  if (attribute == 3) return set(to->schemes, value, bytes);
  if (attribute < 5 || attribute > 8) return INVALID_VALUE;
  uint32_t& alignment = to->alignments[attribute - 5];
  const int status = set(alignment, value, bytes);
  return status == SUCCESS && !is_power_of_two(alignment) ? INVALID_VALUE : status;
}

EXPORT int cublasLtMatmulAlgoGetHeuristic(void* handle, void* operation, void* a, void* b, void* c, void* d,
                                          void* preference, int wanted, HeuristicResult* results, int* found) {
  if (const int status = enter("cublasLtMatmulAlgoGetHeuristic")) return status;
  const Preference* limits = alive<Preference>(preference, Kind::preference);
  if (!alive<Handle>(handle, Kind::handle)) return NOT_INITIALIZED;
  if (!limits || wanted < 1 || !results || !found) return INVALID_VALUE;
  Problem problem;
  if (const int status = describe(operation, a, b, c, d, problem)) return status;
  *found = 0;
  struct Proposal {
    uint32_t id, scheme;
    size_t workspace;
  };
  for (const Proposal& proposal : {Proposal{3, OUTPUT_TYPE_SCHEME, split_workspace(problem)}, Proposal{0, 0, 0}, Proposal{1, 0, 0},
                                   Proposal{2, COMPUTE_TYPE_SCHEME, split_workspace(problem)}}) {
    if (*found == wanted || proposal.workspace > limits->workspace || (proposal.scheme & ~limits->schemes)) continue;
    HeuristicResult& result = results[(*found)++];
    memset(&result, 0, sizeof result);
    result.algorithm = {MARK, fingerprint(problem), proposal.workspace, proposal.id, proposal.scheme, {}, {}};
    memcpy(result.algorithm.alignments, limits->alignments, sizeof limits->alignments);
    result.workspace = proposal.workspace;
    result.state = SUCCESS;
    result.waves = 1;
  }
  return *found > 0 ? SUCCESS : NOT_SUPPORTED;
}

EXPORT int cublasLtMatmulAlgoCheck(void* handle, void* operation, void* a, void* b, void* c, void* d,
                                   const Algorithm* algorithm, HeuristicResult* result) {
  if (const int status = enter("cublasLtMatmulAlgoCheck")) return status;
  if (!alive<Handle>(handle, Kind::handle)) return NOT_INITIALIZED;
  if (!algorithm || !result) return INVALID_VALUE;
  Problem problem;
  if (const int status = describe(operation, a, b, c, d, problem)) return status;
  if (algorithm->mark != MARK || algorithm->problem != fingerprint(problem)) return INVALID_VALUE;
  memset(result, 0, sizeof *result);
  result->workspace = algorithm->workspace;
  return SUCCESS;
}

EXPORT int cublasLtMatmul(void* handle, void* operation, const float* alpha, const void* a, void* a_layout, const void* b,
                          void* b_layout, const float* beta, const void* c, void* c_layout, void* d, void* d_layout,
                          const Algorithm* algorithm, void* workspace, size_t workspace_bytes, void* stream) {
  if (const int status = enter("cublasLtMatmul")) return status;
  if (!alive<Handle>(handle, Kind::handle)) return NOT_INITIALIZED;
  Problem problem;
  if (const int status = describe(operation, a_layout, b_layout, c_layout, d_layout, problem)) return status;
  if (!alpha || !beta || !a || !b || !c || !d || !algorithm) return INVALID_VALUE;
  if (algorithm->mark != MARK || algorithm->problem != fingerprint(problem)) return INVALID_VALUE;
  if (algorithm->workspace > workspace_bytes || (algorithm->workspace > 0 && !workspace)) return INVALID_VALUE;
  const void* addresses[4] = {a, b, c, d};
  for (int i = 0; i < 4; i++) {
    if (reinterpret_cast<uintptr_t>(addresses[i]) % algorithm->alignments[i] != 0) return INVALID_VALUE;
  }
  emulated::Stream* on = static_cast<emulated::Stream*>(stream);
  const std::lock_guard lock(emulated::state().mutex);
  if (on && !emulated::state().streams.has(on)) return INVALID_VALUE;
  last_algorithm = static_cast<int>(algorithm->id);
  const Operands operands = {*alpha, *beta, a, b, c, d};
  const int status = emulated::enqueue(on, {"cublasLtMatmul", [problem, chosen = *algorithm, operands]() -> int {
    const bool inside = is_inside(problem.a, operands.a) && is_inside(problem.b, operands.b) &&
                        is_inside(problem.d, operands.d) && (operands.beta == 0 || is_inside(problem.c, operands.c));
    if (!inside) return ILLEGAL_ADDRESS;
    if (slow_algorithms >> chosen.id & 1u) take_long();
    multiply(problem, chosen, operands);
    return SUCCESS;
  }});
  return status == SUCCESS ? SUCCESS : EXECUTION_FAILED;
}

/** Algorithms whose bit is set take 2 milliseconds. */
EXPORT void qsparseCublasLtSlow(uint32_t algorithms) { slow_algorithms = algorithms; }
/** How often a call was made so far. */
EXPORT int qsparseCublasLtCalls(const char* call) { return calls[call]; }
/** The algorithm of the newest product; -1 before the first. */
EXPORT int qsparseCublasLtLastAlgorithm() { return last_algorithm; }
/** Handles and descriptors that were made and not destroyed. */
EXPORT int qsparseCublasLtLive() { return static_cast<int>(live.size()); }
