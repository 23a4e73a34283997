// Any bytes as messages to send, and any as the kernel's answers to them.
#include "check.h"
#include "scripted_kernel.h"
#include "send_messages.h"

using namespace nftlink;

/** Input: u8 quarter of the messages' length, the messages, then the answers. */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes rest{data + 1, size - 1};
  const size_t length = std::min<size_t>(size_t{data[0]} * 4, rest.size());
  ByteBuffer messages;
  messages.append(rest.data(), length);
  setAnswers(rest.subspan(length));
  NetlinkSocket socket;
  socket.raiseSendLimit(64);
  const ByteBuffer answer = sendMessages(socket, messages);
  require(answer.size() >= 4 && answer.size() % 4 == 0, "an answer's length");
  require(load<int32_t>(answer.data()) >= 0, "a negative errno");
  for (size_t at = 4; at < answer.size(); at += 4) {
    require(load<int32_t>(answer.data() + at) >= -1, "a result that is neither done, an errno nor without answer");
  }
  return 0;
}
