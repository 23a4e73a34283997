#include "closing_sockets.h"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace nftlink {

struct ClosingSockets::Count {
  void change(int by) {
    const std::lock_guard lock(mutex);
    open += by;
    // With the lock: whoever waits must not be gone before the call ends.
    changed.notify_all();
  }
  void waitForNone() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return open == 0; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  int open = 0;
};

ClosingSockets::ClosingSockets() : count_(std::make_shared<Count>()) {}

bool ClosingSockets::begin(napi_env env) {
  std::unique_ptr<ClosingSockets> sockets(new ClosingSockets());
  const auto destroy = [](napi_env, void* data, void*) { delete static_cast<ClosingSockets*>(data); };
  if (napi_set_instance_data(env, sockets.get(), destroy, nullptr) != napi_ok) return false;
  // Before any socket's own hook, so it runs after all of them.
  return napi_add_env_cleanup_hook(env, onEnvironmentExit, sockets.release()) == napi_ok;
}

ClosingSockets* ClosingSockets::of(napi_env env) {
  void* data = nullptr;
  return napi_get_instance_data(env, &data) == napi_ok ? static_cast<ClosingSockets*>(data) : nullptr;
}

void ClosingSockets::close(UniqueFd fd) {
  count_->change(1);
  try {
    std::thread([closing = std::move(fd), count = count_]() mutable {
      closing.reset();
      count->change(-1);
    }).detach();
  } catch (const std::system_error&) {
    // The descriptor went out of scope with the lambda: closed here after all.
    count_->change(-1);
  }
}

void ClosingSockets::onEnvironmentExit(void* sockets) { static_cast<ClosingSockets*>(sockets)->count_->waitForNone(); }

}  // namespace nftlink
