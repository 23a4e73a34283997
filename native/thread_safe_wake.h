// How a thread of ours tells JavaScript's that there is something to take.
#pragma once

#include <node_api.h>

#include "worker.h"

namespace nftlink {

/** A share of a thread-safe function, which ends with the thread that calls it. */
class ThreadSafeWake : public WorkerListener {
 public:
  explicit ThreadSafeWake(napi_threadsafe_function function) : function_(function) {}

  void onCompleted() noexcept override {
    if (function_ == nullptr) return;
    // napi_closing takes the share away: the environment is going down.
    if (napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_closing) function_ = nullptr;
  }

  void onExit() noexcept override {
    if (function_ != nullptr) static_cast<void>(napi_release_threadsafe_function(function_, napi_tsfn_release));
  }

 private:
  napi_threadsafe_function function_;
};

}  // namespace nftlink
