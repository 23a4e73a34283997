// A socket as JavaScript holds it: tasks on its thread, one after another.
#pragma once

#include <vector>

#include "js_handle.h"
#include "pending_task.h"

namespace nftlink {

class SocketHandle : public JsHandle {
 public:
  /** The handle behind a value made by `wrap`; nullptr for any other value. */
  static SocketHandle* unwrap(napi_env env, napi_value value);
  /** Makes the JavaScript object that owns a new handle; nullptr after an exception. */
  static napi_value wrap(napi_env env, NetlinkSocket&& socket);

  bool isOpen() const { return state_ == State::open; }
  bool hasPending() const { return pending_ > 0; }
  NetlinkSocket& socket() { return socket_; }
  Batch& batch() { return batch_; }

  /**
   * Queues a task and gives its promise; nullptr after an exception. `object` is this handle's JavaScript object. `looksOut`: if the worker
   * is idle, its completion is looked out for.
   */
  napi_value enqueue(napi_env env, napi_value object, std::unique_ptr<PendingTask> task, bool looksOut = false);
  /** Gives a promise that resolves when the descriptor is gone. */
  napi_value close(napi_env env, napi_value object);

 private:
  enum class State { open, closing, closed };
  class CloseTask;

  explicit SocketHandle(NetlinkSocket&& socket) : socket_(std::move(socket)) {}
  ~SocketHandle() override = default;

  bool startWorker(napi_env env);
  bool addPending(napi_env env, napi_value object);
  void removePending(napi_env env);
  void finishClose(napi_env env);
  void stopWorker(napi_env env);

  void onWoken(napi_env env) override;
  UniqueFd end(napi_env env) override;

  NetlinkSocket socket_;
  Batch batch_;
  State state_ = State::open;
  std::unique_ptr<Worker> worker_;
  size_t pending_ = 0;  // tasks; while there are any, the object is held and the process goes on
  std::vector<napi_deferred> closers_;
};

}  // namespace nftlink
