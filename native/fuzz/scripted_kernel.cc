#include "scripted_kernel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace nftlink {

namespace {

constexpr uint16_t kFailure = 0xffff;

Bytes answers;

}  // namespace

void setAnswers(Bytes script) { answers = script; }

ssize_t receiveAnswer(void* buffer, size_t room, int flags) {
  if (answers.size() < 3) {
    errno = EAGAIN;
    return -1;
  }
  const auto length = load<uint16_t>(answers.data());
  if (length == kFailure) {
    errno = answers[2] == 0 ? EAGAIN : answers[2];
    answers = answers.subspan(3);
    return -1;
  }
  answers = answers.subspan(2);
  const Bytes datagram = answers.first(std::min<size_t>(length, answers.size()));
  answers = answers.subspan(datagram.size());
  const size_t taken = std::min(datagram.size(), room);
  std::memcpy(buffer, datagram.data(), taken);
  return static_cast<ssize_t>((flags & MSG_TRUNC) != 0 ? datagram.size() : taken);
}

}  // namespace nftlink

// In place of libc's, which the linker then leaves out.
extern "C" {

ssize_t recv(int, void* buffer, size_t room, int flags) { return nftlink::receiveAnswer(buffer, room, flags); }

ssize_t send(int, const void*, size_t length, int) { return static_cast<ssize_t>(length); }

ssize_t sendmsg(int, const msghdr* message, int) { return static_cast<ssize_t>(message->msg_iov->iov_len); }

int setsockopt(int, int, int, const void*, socklen_t) noexcept { return 0; }

/** A buffer of any size that is asked for. */
int getsockopt(int, int, int, void* value, socklen_t*) noexcept {
  constexpr int size = 1 << 24;
  std::memcpy(value, &size, sizeof size);
  return 0;
}

}  // extern "C"
