// A socket's own thread: tasks run on it one after another, in the order they were pushed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "lookout.h"

namespace nftlink {

class Task {
 public:
  virtual ~Task() = default;
  /** On the worker's thread. */
  virtual void run() noexcept = 0;
};
using TaskQueue = std::deque<std::unique_ptr<Task>>;

/** What the worker tells its owner, on the worker's thread. */
class WorkerListener {
 public:
  virtual ~WorkerListener() = default;
  /** There are completed tasks where there were none. */
  virtual void onCompleted() noexcept = 0;
  /** The last call before the thread ends. */
  virtual void onExit() noexcept = 0;
};

class Worker {
 public:
  /** Throws std::system_error when there can be no thread. */
  explicit Worker(std::unique_ptr<WorkerListener> listener);
  ~Worker() { stop(); }

  /** Throws std::bad_alloc. */
  void push(std::unique_ptr<Task> task);
  /** After a push to an idle worker: looks out a little for its completion, unless the last one took too long for that. */
  void lookOutForCompletion() noexcept;
  TaskQueue takeCompleted();
  /** Lets the task that is running finish and joins the thread. */
  void stop();
  /** After `stop`: every task that nobody has taken, run or not. */
  TaskQueue takeRest();

 private:
  void run() noexcept;
  void awaitTask(std::unique_lock<std::mutex>& lock) noexcept;

  const std::unique_ptr<WorkerListener> listener_;
  std::mutex mutex_;
  std::condition_variable wake_;
  TaskQueue waiting_;
  TaskQueue completed_;
  bool stopping_ = false;
  /** Something is waiting, or `stopping_`: what the worker looks out for without the mutex. */
  std::atomic<bool> news_ = false;
  /** When a task was pushed to an idle worker, and when a task was completed. */
  Clock::time_point pushed_;
  Clock::time_point completedAt_;
  /** The last task came soon after the one before. */
  bool busy_ = false;
  /** Tasks that were pushed, by their owner, and that their owner was told of. */
  uint64_t pushedCount_ = 0;
  std::atomic<uint64_t> toldCount_ = 0;
  /** The last task that was pushed to an idle worker was completed within a lookout. */
  std::atomic<bool> quick_ = true;
  std::thread thread_;
};

}  // namespace nftlink
