#include "worker.h"

#include <utility>

namespace nftlink {

Worker::Worker(std::unique_ptr<WorkerListener> listener)
    : listener_(std::move(listener)), thread_([this] { run(); }) {}

void Worker::push(std::unique_ptr<Task> task) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
}

TaskQueue Worker::takeCompleted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(completed_, {});
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

TaskQueue Worker::takeRest() {
  TaskQueue rest = std::exchange(completed_, {});
  for (std::unique_ptr<Task>& task : waiting_) rest.push_back(std::move(task));
  waiting_.clear();
  return rest;
}

void Worker::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) break;
    std::unique_ptr<Task> task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    task->run();
    lock.lock();
    const bool first = completed_.empty();
    completed_.push_back(std::move(task));
    if (!first) continue;
    lock.unlock();
    listener_->onCompleted();
    lock.lock();
  }
  lock.unlock();
  listener_->onExit();
}

}  // namespace nftlink
