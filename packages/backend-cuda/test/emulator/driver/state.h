/** What the emulated driver knows: its handles, and the error that ended its context. */
#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "../runtime/block.h"
#include "status.h"
#include "work.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace emulated {

struct Context {
  int retained = 0;
};

struct Module {
  std::string name;
};

struct Function {
  const Module* module;
  const Kernel* kernel;
  /** 0: never set. */
  unsigned most_dynamic_shared = 0;
};

/** Handles are addresses of objects that are alive; anything else is refused. */
template <class T>
class Handles {
 public:
  T* add(T* object) {
    all_.push_back(object);
    return object;
  }
  bool has(const T* object) const {
    for (const T* one : all_)
      if (one == object) return true;
    return false;
  }
  bool remove(T* object) {
    for (size_t i = 0; i < all_.size(); i++) {
      if (all_[i] != object) continue;
      all_.erase(all_.begin() + static_cast<ptrdiff_t>(i));
      delete object;
      return true;
    }
    return false;
  }
  void clear() {
    for (T* object : all_) delete object;
    all_.clear();
  }
  size_t size() const { return all_.size(); }
  const std::vector<T*>& all() const { return all_; }

 private:
  std::vector<T*> all_;
};

struct State {
  std::recursive_mutex mutex;
  bool initialised = false;
  Context context;
  /** A kernel failed: every later call says so. */
  int sticky = 0;
  uint64_t launches = 0;
  Handles<Stream> streams;
  Handles<Event> events;
  Handles<Module> modules;
  Handles<Function> functions;
  Handles<Graph> graphs;
  Handles<GraphExec> graph_execs;
};

State& state();
/** Whether cuCtxSetCurrent was called in this thread of the operating system. */
extern thread_local bool has_current_context;

/** What a call needs before it does anything. */
enum class Needs { nothing, initialised, context };

/** Every entry point begins with one: one call at a time, and the reasons to refuse it. */
class Call {
 public:
  Call(const char* name, Needs needs);
  /** Not 0: what the call returns instead of working. */
  int refusal() const { return refusal_; }
  const char* name() const { return name_; }
  /** Prints what is wrong with the call and gives the status back. */
  __attribute__((format(printf, 3, 4))) int wrong(int status, const char* format, ...) const;

 private:
  std::lock_guard<std::recursive_mutex> lock_;
  const char* name_;
  int refusal_;
};

#define BEGIN(call, needs)               \
  const emulated::Call call(__func__, needs); \
  if (call.refusal() != 0) return call.refusal()

}  // namespace emulated
