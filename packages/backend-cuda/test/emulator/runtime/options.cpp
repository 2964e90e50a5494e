#include "options.h"

#include <strings.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace emulated {

namespace {

constexpr int OUT_OF_MEMORY = 2;
constexpr int UNKNOWN = 999;
constexpr int CUBLAS_INTERNAL_ERROR = 14;

/** NAME:N[+][:STATUS]: the N-th call (and with + every later one) fails. */
struct Injection {
  std::string function;
  long call;
  bool onwards;
  int status;
  long calls = 0;
};

std::vector<Injection> injections;
uint64_t random_state = 1;

bool parse_number(const char* text, long long least, long long& number) {
  char* end = nullptr;
  number = strtoll(text, &end, 10);
  return end != text && *end == '\0' && number >= least;
}

int usual_failure(const char* function) {
  if (strncmp(function, "cublasLt", 8) == 0) return CUBLAS_INTERNAL_ERROR;
  return strstr(function, "Alloc") ? OUT_OF_MEMORY : UNKNOWN;
}

bool parse_injections(const char* text) {
  std::vector<Injection> parsed;
  std::string rest = text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string one = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const size_t colon = one.find(':');
    if (colon == std::string::npos) return false;
    Injection injection{one.substr(0, colon), 0, false, 0};
    injection.status = usual_failure(injection.function.c_str());
    char* end = nullptr;
    injection.call = strtol(one.c_str() + colon + 1, &end, 10);
    if (injection.call < 1) return false;
    if (*end == '+') {
      injection.onwards = true;
      end++;
    }
    if (*end == ':') injection.status = static_cast<int>(strtol(end + 1, &end, 10));
    if (*end != '\0' || injection.status == 0) return false;
    parsed.push_back(injection);
  }
  injections = parsed;
  return true;
}

bool parse_order(const char* text, Options& parsed) {
  if (strcmp(text, "forwards") == 0) parsed.order = Order::forwards;
  else if (strcmp(text, "backwards") == 0) parsed.order = Order::backwards;
  else {
    long long seed;
    if (!parse_number(text, 0, seed)) return false;
    parsed.order = Order::random;
    parsed.seed = static_cast<uint64_t>(seed);
    random_state = (parsed.seed + 1) * 0x9e3779b97f4a7c15u | 1u;
  }
  return true;
}

bool apply(const char* name, const char* value, Options& to) {
  long long number = 0;
  const auto is = [&](const char* option) { return strcasecmp(name, option) == 0; };
  const auto integer = [&](long long least) { return parse_number(value, least, number); };
  if (is("FAIL")) return parse_injections(value);
  if (is("ORDER")) return parse_order(value, to);
  if (is("MEMORY") && integer(0)) to.memory = static_cast<size_t>(number);
  else if (is("DRIVER") && integer(1000)) to.driver_version = static_cast<int>(number);
  else if (is("DEVICES") && integer(0)) to.devices = static_cast<int>(number);
  else if (is("CAPABILITY") && integer(10)) to.capability = static_cast<int>(number);
  else if (is("MULTIPROCESSORS") && integer(1)) to.multiprocessors = static_cast<int>(number);
  else if (is("LATE") && integer(0)) to.late = number != 0;
  else if (is("STICKY") && integer(0)) to.sticky = number != 0;
  else if (is("WATCH") && integer(0)) watching = number != 0;
  else if (is("QUIET") && integer(0)) to.quiet = number != 0;
  else return false;
  return true;
}

Options from_environment() {
  Options read;
  for (const char* name :
       {"FAIL", "ORDER", "MEMORY", "DRIVER", "DEVICES", "CAPABILITY", "MULTIPROCESSORS", "LATE", "STICKY", "QUIET", "WATCH"}) {
    const std::string variable = std::string("QSPARSE_EMULATED_") + name;
    const char* value = getenv(variable.c_str());
    if (!value || *value == '\0' || apply(name, value, read)) continue;
    fprintf(stderr, "[emulator] %s=%s is not understood; see test/emulator/README.md\n", variable.c_str(), value);
    abort();
  }
  return read;
}

Options& current() {
  static Options read = from_environment();
  return read;
}

}  // namespace

const Options& options() { return current(); }

bool set_option(const char* name, const char* value) { return apply(name, value, current()); }

int injected_failure(const char* function) {
  current();
  for (Injection& injection : injections) {
    if (injection.function != function) continue;
    injection.calls++;
    const bool now = injection.onwards ? injection.calls >= injection.call : injection.calls == injection.call;
    if (now) return injection.status;
  }
  return 0;
}

void say(const char* format, ...) {
  if (options().quiet) return;
  va_list values;
  va_start(values, format);
  fputs("[emulator] ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
}

uint64_t random_bits() {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545f4914f6cdd1du;
}

}  // namespace emulated
