// A socket's own thread: tasks run on it one after another, in the order they were pushed.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

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
  TaskQueue takeCompleted();
  /** Lets the task that is running finish and joins the thread. */
  void stop();
  /** After `stop`: every task that nobody has taken, run or not. */
  TaskQueue takeRest();

 private:
  void run() noexcept;

  const std::unique_ptr<WorkerListener> listener_;
  std::mutex mutex_;
  std::condition_variable wake_;
  TaskQueue waiting_;
  TaskQueue completed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nftlink
