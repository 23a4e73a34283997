// Sockets and listeners made, used and ended from several threads at once, as Node.js's would: for ThreadSanitizer.
// Needs a network namespace of its own; `stress [ROUNDS]`.
#include <netinet/in.h>
#include <sched.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <vector>

#include "../fuzz/check.h"
#include "listener.h"
#include "request.h"
#include "transact.h"
#include "worker.h"

using namespace nftlink;

namespace {

constexpr uint32_t kNftablesGroup = 1 << (NFNLGRP_NFTABLES - 1);

/** What JavaScript's thread is to the addon: woken, and told when the thread ends. */
class Owner {
 public:
  void waitForWakes(int count) {
    std::unique_lock lock(mutex_);
    require(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return wakes_ >= count; }), "a wake-up that is lost");
  }
  bool hasExited() {
    const std::lock_guard lock(mutex_);
    return exited_;
  }
  std::unique_ptr<WorkerListener> listener() { return std::make_unique<Wake>(*this); }

 private:
  class Wake : public WorkerListener {
   public:
    explicit Wake(Owner& owner) : owner_(owner) {}
    void onCompleted() noexcept override {
      const std::lock_guard lock(owner_.mutex_);
      owner_.wakes_++;
      owner_.changed_.notify_all();
    }
    void onExit() noexcept override {
      const std::lock_guard lock(owner_.mutex_);
      require(!std::exchange(owner_.exited_, true), "a thread that ends twice");
    }

   private:
    Owner& owner_;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  int wakes_ = 0;
  bool exited_ = false;
};

/** Adds a table and deletes it: always a change. */
ByteBuffer packedChange(char name) {
  ByteBuffer packed;
  const auto words = [&](std::initializer_list<uint32_t> values) {
    for (const uint32_t value : values) packed.appendValue(value);
  };
  words({0x314c464e, 2, 0, 0});
  for (const uint32_t message : {NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE}) {
    words({message, NFPROTO_IPV4, 12, 0, 1, static_cast<uint8_t>(name)});
  }
  return packed;
}

class ChangeTask : public Task {
 public:
  ChangeTask(NetlinkSocket& socket, Batch& batch, Bytes packed) : socket_(socket), batch_(batch), packed_(packed) {}
  void run() noexcept override { outcome_ = transact(socket_, batch_, packed_); }
  const Outcome& outcome() const { return outcome_; }

 private:
  NetlinkSocket& socket_;
  Batch& batch_;
  const Bytes packed_;
  Outcome outcome_;
};

NetlinkSocket openSocket() {
  NetlinkSocket socket;
  require(!NetlinkSocket::open("", socket), "no socket");
  return socket;
}

/** A socket with a queue of tasks: taken when done, or left behind by an early end. */
void useSocket(char name, int round) {
  NetlinkSocket socket = openSocket();
  Batch batch;
  const ByteBuffer packed = packedChange(name);
  Owner owner;
  Worker worker(owner.listener());
  const int tasks = 1 + round % 7;
  for (int i = 0; i < tasks; i++) {
    worker.push(std::make_unique<ChangeTask>(socket, batch, packed.view()));
    if (round % 2 == 0) worker.lookOutForCompletion();
  }
  size_t taken = 0;
  if (round % 3 == 0) {
    owner.waitForWakes(1);
    for (const auto& task : worker.takeCompleted()) {
      require(static_cast<ChangeTask&>(*task).outcome().kind == OutcomeKind::committed, "not committed");
      taken++;
    }
  }
  worker.stop();
  require(owner.hasExited(), "a thread that goes on");
  require(taken + worker.takeRest().size() == static_cast<size_t>(tasks), "tasks that are lost");
}

/** A listener that is read from for a while, then stopped or left. */
void useListener(int round) {
  NetlinkSocket socket = openSocket();
  socket.setReceiveBuffer(1 << 14);
  require(!socket.subscribe(kNftablesGroup), "not subscribed");
  Owner owner;
  Listener listener(std::move(socket), owner.listener());
  for (int i = 0; i < round % 20; i++) {
    require(listener.take().size() % 4 == 0, "a batch that is no multiple of 4");
    std::this_thread::yield();
  }
  if (round % 2 == 0) {
    listener.stop();
    while (!listener.isClosed()) std::this_thread::yield();
  }
  listener.join();
  require(owner.hasExited(), "a thread that goes on");
  require(static_cast<bool>(listener.takeSocket()) == (round % 2 != 0), "closed by the wrong one");
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 200;
  std::vector<std::future<void>> threads;
  for (char name = 'a'; name < 'd'; name++) {
    threads.push_back(std::async(std::launch::async, [=] {
      for (int round = 0; round < rounds; round++) useSocket(name, round);
    }));
    threads.push_back(std::async(std::launch::async, [=] {
      for (int round = 0; round < rounds; round++) useListener(round);
    }));
  }
  for (auto& each : threads) each.get();
  std::printf("stress: %d rounds on %zu threads\n", rounds, threads.size());
  return 0;
}
