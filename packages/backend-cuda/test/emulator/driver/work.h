/** What is enqueued on a stream, recorded in a graph, and waited for by events. */
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace emulated {

/** Gives a CUresult. Holds copies of what it needs, so that it can run later and again. */
struct Work {
  std::string name;
  std::function<int()> run;
};

struct Graph {
  std::vector<Work> work;
};

struct GraphExec {
  std::vector<Work> work;
};

enum class CaptureMode : int { global = 0, thread_local_ = 1, relaxed = 2 };

struct Stream {
  /** Work that waits to be asked for (options().late). */
  std::deque<Work> queue;
  /** Null: nothing is recorded. */
  Graph* capture = nullptr;
  CaptureMode mode = CaptureMode::global;
  bool invalidated = false;
};

struct Event {
  bool timed = true;
  bool recorded = false;
  /** Records that are still in a queue. */
  unsigned pending = 0;
  bool captured = false;
  std::chrono::steady_clock::time_point time;
};

/** Runs the work now, puts it into the stream's queue or records it. A null stream is the default one. */
int enqueue(Stream* stream, Work work);
/** Runs what the queues hold: all of it, or one piece. */
int finish(Stream& stream);
int finish_all();
int advance(Stream& stream);
/** What must not happen while a stream records, unless it was begun relaxed. 0: go on. */
int refuse_in_capture();

}  // namespace emulated
