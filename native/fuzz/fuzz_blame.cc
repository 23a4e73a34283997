// Any bytes as a message, any number as the offset that the kernel blames.
#include "blame.h"
#include "check.h"

using namespace nftlink;

/** Input: u32 offset, then the message. */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const auto offset = load<uint32_t>(data);
  const Bytes message{data + 4, size - 4};
  const AttributePath path = findAttribute(message, offset);
  require(path.size() <= message.size() / sizeof(nlattr), "a path longer than the message");
  if (!path.empty()) require(offset >= sizeof(nlmsghdr) + sizeof(nfgenmsg), "a path into the header");
  return 0;
}
