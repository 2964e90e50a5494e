#include "state.h"

#include <cstdarg>
#include <cstdio>

#include "../runtime/options.h"

namespace emulated {

State& state() {
  static State all;
  return all;
}

thread_local bool has_current_context = false;

namespace {

int refusal_of(const char* name, Needs needs) {
  if (const int injected = injected_failure(name); injected != 0) return injected;
  if (needs == Needs::nothing) return SUCCESS;
  if (!state().initialised) return NOT_INITIALIZED;
  if (needs == Needs::initialised) return SUCCESS;
  if (!has_current_context || state().context.retained == 0) {
    say("%s: no context is current in this thread", name);
    return INVALID_CONTEXT;
  }
  return state().sticky;
}

}  // namespace

Call::Call(const char* name, Needs needs)
    : lock_(state().mutex), name_(name), refusal_(refusal_of(name, needs)) {}

int Call::wrong(int status, const char* format, ...) const {
  char text[1000];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  say("%s: %s", name_, text);
  return status;
}

}  // namespace emulated
