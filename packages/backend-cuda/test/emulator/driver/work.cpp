#include "work.h"

#include "../runtime/options.h"
#include "state.h"

namespace emulated {

namespace {

/** An error of work that ran ends the context, as on a GPU. */
int run_now(const Work& work) {
  if (state().sticky != 0) return state().sticky;
  const int status = work.run();
  if (status != SUCCESS && options().sticky) state().sticky = status;
  return status;
}

}  // namespace

int enqueue(Stream* stream, Work work) {
  if (stream && stream->capture) {
    if (stream->invalidated) return STREAM_CAPTURE_INVALIDATED;
    stream->capture->work.push_back(std::move(work));
    return SUCCESS;
  }
  if (!stream || !options().late) return run_now(work);
  stream->queue.push_back(std::move(work));
  return SUCCESS;
}

int advance(Stream& stream) {
  if (stream.queue.empty()) return SUCCESS;
  const Work work = std::move(stream.queue.front());
  stream.queue.pop_front();
  return run_now(work);
}

int finish(Stream& stream) {
  int status = SUCCESS;
  while (status == SUCCESS && !stream.queue.empty()) status = advance(stream);
  return status;
}

int finish_all() {
  for (Stream* stream : state().streams.all())
    if (const int status = finish(*stream); status != SUCCESS) return status;
  return SUCCESS;
}

int refuse_in_capture() {
  for (Stream* stream : state().streams.all()) {
    if (!stream->capture || stream->mode == CaptureMode::relaxed) continue;
    stream->invalidated = true;
    return STREAM_CAPTURE_UNSUPPORTED;
  }
  return SUCCESS;
}

}  // namespace emulated
