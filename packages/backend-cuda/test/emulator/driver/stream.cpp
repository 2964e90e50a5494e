/** Streams, recorded graphs and events. */
#include "state.h"

using namespace emulated;

namespace {

/** Waiting for a stream that records is a mistake and spoils the recording. */
int refuse_while_recording(Stream* stream) {
  if (!stream || !stream->capture) return SUCCESS;
  stream->invalidated = true;
  return STREAM_CAPTURE_UNSUPPORTED;
}

bool is_stream(const Stream* stream) { return !stream || state().streams.has(stream); }

}  // namespace

EXPORT int cuStreamCreate(Stream** stream, unsigned flags) {
  BEGIN(call, Needs::context);
  if (flags > 1) return call.wrong(INVALID_VALUE, "flags must be 0 or 1, got %u", flags);
  *stream = state().streams.add(new Stream);
  return SUCCESS;
}

EXPORT int cuStreamDestroy_v2(Stream* stream) {
  BEGIN(call, Needs::context);
  if (!state().streams.has(stream)) return INVALID_HANDLE;
  const int status = finish(*stream);
  if (stream->capture) state().graphs.remove(stream->capture);
  state().streams.remove(stream);
  return status;
}

EXPORT int cuStreamSynchronize(Stream* stream) {
  BEGIN(call, Needs::context);
  if (!is_stream(stream)) return INVALID_HANDLE;
  if (const int status = refuse_while_recording(stream)) return status;
  return stream ? finish(*stream) : SUCCESS;
}

EXPORT int cuStreamQuery(Stream* stream) {
  BEGIN(call, Needs::context);
  if (!is_stream(stream)) return INVALID_HANDLE;
  if (const int status = refuse_while_recording(stream)) return status;
  if (!stream || stream->queue.empty()) return SUCCESS;
  const int status = advance(*stream);
  return status != SUCCESS ? status : NOT_READY;
}

EXPORT int cuStreamBeginCapture_v2(Stream* stream, int mode) {
  BEGIN(call, Needs::context);
  if (!state().streams.has(stream)) return INVALID_HANDLE;
  if (stream->capture || mode < 0 || mode > 2) return call.wrong(INVALID_VALUE, "it records already, or mode %d", mode);
  stream->capture = state().graphs.add(new Graph);
  stream->mode = static_cast<CaptureMode>(mode);
  stream->invalidated = false;
  return SUCCESS;
}

EXPORT int cuStreamEndCapture(Stream* stream, Graph** graph) {
  BEGIN(call, Needs::context);
  *graph = nullptr;
  if (!state().streams.has(stream)) return INVALID_HANDLE;
  if (!stream->capture) return call.wrong(INVALID_VALUE, "the stream does not record");
  Graph* recorded = stream->capture;
  stream->capture = nullptr;
  if (stream->invalidated) {
    state().graphs.remove(recorded);
    return STREAM_CAPTURE_INVALIDATED;
  }
  *graph = recorded;
  return SUCCESS;
}

EXPORT int cuStreamIsCapturing(Stream* stream, int* capturing) {
  BEGIN(call, Needs::context);
  if (!is_stream(stream)) return INVALID_HANDLE;
  *capturing = !stream || !stream->capture ? 0 : stream->invalidated ? 2 : 1;
  return SUCCESS;
}

EXPORT int cuGraphInstantiateWithFlags(GraphExec** exec, Graph* graph, unsigned long long flags) {
  BEGIN(call, Needs::context);
  if (!state().graphs.has(graph)) return INVALID_HANDLE;
  if (flags != 0) return call.wrong(INVALID_VALUE, "flags must be 0, got %llu", flags);
  *exec = state().graph_execs.add(new GraphExec{graph->work});
  return SUCCESS;
}

EXPORT int cuGraphLaunch(GraphExec* exec, Stream* stream) {
  BEGIN(call, Needs::context);
  if (!state().graph_execs.has(exec) || !is_stream(stream)) return INVALID_HANDLE;
  if (const int status = refuse_while_recording(stream)) return status;
  for (const Work& work : exec->work)
    if (const int status = enqueue(stream, work)) return status;
  return SUCCESS;
}

EXPORT int cuGraphExecDestroy(GraphExec* exec) {
  BEGIN(call, Needs::context);
  return state().graph_execs.remove(exec) ? SUCCESS : INVALID_HANDLE;
}

EXPORT int cuGraphDestroy(Graph* graph) {
  BEGIN(call, Needs::context);
  return state().graphs.remove(graph) ? SUCCESS : INVALID_HANDLE;
}

EXPORT int cuGraphGetNodes(Graph* graph, const void** nodes, size_t* count) {
  BEGIN(call, Needs::context);
  if (!state().graphs.has(graph)) return INVALID_HANDLE;
  const size_t size = graph->work.size();
  for (size_t i = 0; nodes && i < *count && i < size; i++) nodes[i] = &graph->work[i];
  *count = size;
  return SUCCESS;
}

EXPORT int cuEventCreate(Event** event, unsigned flags) {
  BEGIN(call, Needs::context);
  if (flags > 3) return call.wrong(INVALID_VALUE, "flags must be below 4, got %u", flags);
  *event = state().events.add(new Event);
  (*event)->timed = (flags & 2) == 0;
  return SUCCESS;
}

EXPORT int cuEventRecord(Event* event, Stream* stream) {
  BEGIN(call, Needs::context);
  if (!state().events.has(event) || !is_stream(stream)) return INVALID_HANDLE;
  event->captured = stream && stream->capture;
  if (event->captured) return enqueue(stream, {"event", [] { return SUCCESS; }});
  event->recorded = true;
  event->pending++;
  return enqueue(stream, {"event", [event]() -> int {
                            event->pending--;
                            event->time = std::chrono::steady_clock::now();
                            return SUCCESS;
                          }});
}

EXPORT int cuEventQuery(Event* event) {
  BEGIN(call, Needs::context);
  if (!state().events.has(event)) return INVALID_HANDLE;
  if (event->captured) return CAPTURED_EVENT;
  if (event->pending == 0) return SUCCESS;
  for (Stream* stream : state().streams.all())
    if (const int status = advance(*stream)) return status;
  return NOT_READY;
}

EXPORT int cuEventSynchronize(Event* event) {
  BEGIN(call, Needs::context);
  if (!state().events.has(event)) return INVALID_HANDLE;
  if (event->captured) return CAPTURED_EVENT;
  return event->pending == 0 ? SUCCESS : finish_all();
}

EXPORT int cuEventElapsedTime(float* milliseconds, const Event* start, const Event* end) {
  BEGIN(call, Needs::context);
  if (!state().events.has(start) || !state().events.has(end)) return INVALID_HANDLE;
  if (!start->timed || !end->timed || !start->recorded || !end->recorded)
    return call.wrong(INVALID_HANDLE, "both events must keep times and be recorded");
  if (start->pending > 0 || end->pending > 0) return NOT_READY;
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return SUCCESS;
}

EXPORT int cuEventDestroy_v2(Event* event) {
  BEGIN(call, Needs::context);
  if (!state().events.has(event)) return INVALID_HANDLE;
  // Its record may still be in a queue.
  if (event->pending > 0)
    if (const int status = finish_all()) return status;
  state().events.remove(event);
  return SUCCESS;
}
