// A listener as JavaScript holds it: batches of what its thread has read.
#pragma once

#include <vector>

#include "js_handle.h"
#include "listener.h"

namespace nftlink {

class ListenerHandle : public JsHandle {
 public:
  /** The handle behind a value made by `wrap`; nullptr for any other value. */
  static ListenerHandle* unwrap(napi_env env, napi_value value);
  /** Makes the JavaScript object that owns a new handle, and starts its thread; nullptr after an exception. */
  static napi_value wrap(napi_env env, NetlinkSocket&& socket);

  bool isWaiting() const { return reader_ != nullptr; }
  /**
   * Gives a promise of the next batch, or of undefined when the listener has been stopped. Only one may wait. While it
   * does, `object` (this handle's JavaScript object) is held, and with `keepAlive` the process goes on.
   */
  napi_value receive(napi_env env, napi_value object, bool keepAlive);
  /** Gives a promise that resolves when the descriptor is gone. */
  napi_value stop(napi_env env, napi_value object);

 private:
  enum class State { open, stopping, stopped };

  ListenerHandle() = default;
  ~ListenerHandle() override = default;

  bool start(napi_env env, NetlinkSocket&& socket);
  void rest(napi_env env);
  void answerReader(napi_env env, napi_value value);
  void finishStop(napi_env env);

  void onWoken(napi_env env) override;
  UniqueFd end(napi_env env) override;

  State state_ = State::open;
  std::unique_ptr<Listener> listener_;
  napi_deferred reader_ = nullptr;  // while somebody waits, the object is held
  std::vector<napi_deferred> stoppers_;
};

}  // namespace nftlink
