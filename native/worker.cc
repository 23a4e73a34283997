#include "worker.h"

#include <utility>

namespace nftlink {

Worker::Worker(std::unique_ptr<WorkerListener> listener)
    : listener_(std::move(listener)), thread_([this] { run(); }) {}

void Worker::push(std::unique_ptr<Task> task) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) pushed_ = Clock::now();
    waiting_.push_back(std::move(task));
    pushedCount_++;
    news_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
}

void Worker::lookOutForCompletion() noexcept {
  if (!mayLookOut() || !quick_.load(std::memory_order_relaxed)) return;
  lookOut([this] { return toldCount_.load(std::memory_order_acquire) == pushedCount_; });
}

TaskQueue Worker::takeCompleted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(completed_, {});
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    news_.store(true, std::memory_order_release);
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

void Worker::awaitTask(std::unique_lock<std::mutex>& lock) noexcept {
  if (waiting_.empty() && !stopping_) {
    news_.store(false, std::memory_order_relaxed);
    if (busy_ && mayLookOut()) {
      lock.unlock();
      lookOut([this] { return news_.load(std::memory_order_acquire); });
      lock.lock();
    }
  }
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
}

void Worker::run() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    awaitTask(lock);
    if (stopping_) break;
    busy_ = pushed_ - completedAt_ < kLookout;
    std::unique_ptr<Task> task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    task->run();
    lock.lock();
    completedAt_ = Clock::now();
    quick_.store(completedAt_ - pushed_ < kLookout, std::memory_order_relaxed);
    const bool first = completed_.empty();
    completed_.push_back(std::move(task));
    if (first) {
      lock.unlock();
      listener_->onCompleted();
      lock.lock();
    }
    // Not before the owner is told: who looks out for it goes to sleep next.
    toldCount_.fetch_add(1, std::memory_order_release);
  }
  lock.unlock();
  listener_->onExit();
}

}  // namespace nftlink
