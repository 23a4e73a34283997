#include "listener.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <linux/netlink.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "event_reader.h"

namespace nftlink {

namespace {

/** What may wait for JavaScript; more stays in the kernel's buffer. */
constexpr size_t kWaitingBytes = 4 << 20;

UniqueFd makeEvent() {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) throw std::system_error(errno, std::generic_category(), "eventfd");
  return event;
}

}  // namespace

Listener::Listener(NetlinkSocket&& socket, std::unique_ptr<WorkerListener> owner)
    : socket_(std::move(socket)), owner_(std::move(owner)), nudge_(makeEvent()), thread_([this] { run(); }) {}

ByteBuffer Listener::take() {
  ByteBuffer taken;
  {
    const std::lock_guard lock(mutex_);
    taken = std::exchange(arrived_, {});
    wanted_ = taken.size() == 0;
  }
  // The thread may be waiting for room.
  if (taken.size() >= kWaitingBytes) nudge();
  return taken;
}

void Listener::stop() { give(Order::close); }

void Listener::join() {
  give(Order::leave);
  if (thread_.joinable()) thread_.join();
}

bool Listener::isClosed() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Listener::give(Order order) {
  {
    const std::lock_guard lock(mutex_);
    if (order_ == Order::read) order_ = order;
  }
  nudge();
}

void Listener::nudge() {
  const uint64_t one = 1;
  // Only a full counter fails, and then the thread wakes up all the same.
  static_cast<void>(!::write(nudge_.get(), &one, sizeof one));
}

void Listener::run() noexcept {
  readUntilOrdered();
  bool closing = false;
  {
    const std::lock_guard lock(mutex_);
    closing = order_ == Order::close;
  }
  if (closing) {
    socket_.close();
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    owner_->onCompleted();
  }
  owner_->onExit();
}

void Listener::readUntilOrdered() {
  for (;;) {
    bool hasRoom = false;
    {
      const std::lock_guard lock(mutex_);
      if (order_ != Order::read) return;
      hasRoom = !failed_ && arrived_.size() < kWaitingBytes;
    }
    if (!waitForOrderOrData(hasRoom)) continue;
    try {
      readAndHandOver();
    } catch (const std::bad_alloc&) {
      failForMemory();
    }
  }
}

void Listener::readAndHandOver() {
  failed_ = !readEvents(socket_.fd(), read_);
  handOver();
}

/** Gives JavaScript what was read. */
void Listener::handOver() {
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    if (arrived_.size() == 0) {
      arrived_ = std::exchange(read_, {});
    } else {
      arrived_.append(read_.data(), read_.size());
      read_.clear(kEventBatchBytes);
    }
    tell = wanted_ && arrived_.size() > 0;
    if (tell) wanted_ = false;
  }
  if (tell) owner_->onCompleted();
}

/** Gives up what was read, to have the memory to say so. */
void Listener::failForMemory() noexcept {
  failed_ = true;
  read_.clear(0);
  {
    const std::lock_guard lock(mutex_);
    arrived_.clear(0);
  }
  try {
    appendControl(read_, NLMSG_ERROR, -ENOMEM);
    handOver();
  } catch (const std::bad_alloc&) {
    // Nobody can be told.
  }
}

/** True when there is a datagram, or an error of the socket. */
bool Listener::waitForOrderOrData(bool hasRoom) {
  pollfd waits[2] = {{nudge_.get(), POLLIN, 0}, {hasRoom ? socket_.fd() : -1, POLLIN, 0}};
  if (::poll(waits, 2, -1) < 0) return false;
  uint64_t nudges = 0;
  if (waits[0].revents != 0) static_cast<void>(!::read(nudge_.get(), &nudges, sizeof nudges));
  return waits[1].revents != 0;
}

}  // namespace nftlink
