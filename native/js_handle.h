// A socket or a listener as JavaScript holds it: who keeps it alive, and how it ends.
//
// It ends in one of three ways. Closed: its own thread closes the descriptor behind the last thing that it does.
// Collected without that: nothing is pending then (what is pending holds the JavaScript object), so the idle thread is
// joined and the descriptor closed behind JavaScript's back. Environment torn down: the clean-up hook joins the
// thread, which finishes the system call it is in, and closes.
#pragma once

#include <node_api.h>

#include <functional>
#include <memory>

#include "netlink_socket.h"
#include "worker.h"

namespace nftlink {

class JsHandle {
 public:
  JsHandle(const JsHandle&) = delete;
  JsHandle& operator=(const JsHandle&) = delete;

 protected:
  JsHandle() = default;
  virtual ~JsHandle() = default;

  /** The handle behind a value that `own` made with this tag; nullptr for any other value. */
  static JsHandle* find(napi_env env, napi_value value, const napi_type_tag& tag);
  /**
   * Makes the JavaScript object that owns a new handle from then on; nullptr after an exception. `kind` is the
   * handle's word in its text.
   */
  static napi_value own(napi_env env, JsHandle* handle, const napi_type_tag& tag, const char* kind);

  /** Starts the handle's thread with what it wakes JavaScript by; false when there can be none. `start` may throw. */
  bool startThread(napi_env env, const std::function<void(std::unique_ptr<WorkerListener>)>& start);
  /** The thread has ended: a wake-up that is still on its way finds nobody. */
  void forgetThread();
  /** Whether the process goes on for this handle's thread. At first it does not. */
  void setKeepAlive(napi_env env, bool keepAlive);

  /** Holds the JavaScript object, and so this handle, until `letGo`. */
  bool hold(napi_env env, napi_value object);
  void letGo(napi_env env);

  /** On JavaScript's thread, behind a wake-up. */
  virtual void onWoken(napi_env env) = 0;
  /** Waits for the thread, calls `forgetThread`, and is closed; gives the descriptor if it is still open. */
  virtual UniqueFd end(napi_env env) = 0;

 private:
  /** Outlives the handle if need be: a wake-up may still be on its way when the handle is gone. */
  struct WakeTarget {
    JsHandle* handle;
  };

  static void onWake(napi_env env, napi_value, void* target, void*);
  static void onWakeFinalized(napi_env, void* target, void*);
  static void onEnvironmentExit(void* handle);
  static void onCollected(napi_env env, void* handle, void*);

  napi_env env_ = nullptr;  // until the environment exits
  napi_threadsafe_function wake_ = nullptr;
  WakeTarget* wakeTarget_ = nullptr;  // owned by wake_
  bool keepsAlive_ = false;
  napi_ref self_ = nullptr;  // strong: holds the JavaScript object
};

}  // namespace nftlink
