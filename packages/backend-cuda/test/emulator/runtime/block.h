/**
 * The block of threads that runs. Blocks run one after the other, the threads of a block in turns: each until it waits for
 * others or ends. options().order decides which comes next.
 */
#pragma once
#include <cstdint>
#include <vector>

#include "../kernel/launch.h"
#include "fiber.h"
#include "registry.h"
#include "turns.h"

namespace emulated {

constexpr unsigned MOST_THREADS = 1024;
constexpr unsigned LANES = 32;
constexpr uint32_t FULL_MASK = 0xffffffffu;

/** CUresult of a launch that went wrong. */
enum class Failure : int { none = 0, illegal_address = 700, misaligned_address = 716, launch_failed = 719 };

struct Collective;

/** 16 bytes on their way to shared memory. */
struct Copy {
  void* to;
  const void* from;
  bool valid;
  const void* site;
};

struct Thread {
  Dimensions index;
  unsigned number;
  /** Null before the first line and after the last. */
  Fiber* fiber;
  /** What it hands to the lanes that it waits for. */
  void* payload;
  /** What it waits for, for messages, and where in the code. */
  const char* waits_for;
  const void* site;
  /** Copies that have not arrived, oldest first, and where each committed group of them ends. */
  std::vector<Copy> copies;
  std::vector<size_t> groups;

  unsigned warp() const { return number / LANES; }
  unsigned lane() const { return number % LANES; }
};

/** Lanes that wait for each other. */
struct Group {
  const Collective* collective;
  uint32_t mask;
  uint32_t arrived;
  const void* site;
};

struct Warp {
  /** Lanes that have ended or never were. */
  uint32_t absent;
  std::vector<Group> groups;
};

struct Launch {
  const Kernel* kernel;
  Dimensions grid;
  Dimensions block;
  unsigned shared_bytes;
  const void* arguments;
};

struct Block {
  Launch launch;
  Dimensions index;
  SharedVariables variables;
  SharedVariables dynamic;
  unsigned threads;
  unsigned alive;
  ReadySet ready;
  Warp warps[MOST_THREADS / LANES];
  Thread all[MOST_THREADS];
};

extern Block block;
/** The thread that runs; null outside of a kernel. */
extern Thread* running;

/** Runs all blocks of a launch. When it fails, failure_text() says why; it was printed too. */
Failure run(const Launch& launch);
const char* failure_text();

/** Goes on with other threads until somebody puts the running one into block.ready and its turn comes. */
void wait(const char* what, const void* site);

/** Ends the launch from within a thread. `site` is a place in the code or null. */
[[noreturn]] __attribute__((format(printf, 3, 4))) void fail(Failure failure, const void* site, const char* format, ...);

/** The same, for a thread that touched what lies below its stack. */
[[noreturn]] void fail_for_stack(const void* site);

}  // namespace emulated
