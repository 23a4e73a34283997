// Any fields as those of an element operation. The names are set and the count comes first, so that most inputs reach the columns.
#include <libnftnl/set.h>
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "check.h"
#include "encode.h"

using namespace nftlink;

namespace {

/** The list and its elements; among their attributes are raw ones. */
constexpr int kElementLevels = 2;

void appendField(ByteBuffer& fields, uint16_t id, FieldKind kind, const void* value, uint32_t length) {
  fields.appendValue(id);
  fields.appendValue(static_cast<uint16_t>(kind));
  fields.appendValue(length);
  fields.append(value, length);
  constexpr uint32_t padding = 0;
  fields.append(&padding, align4(length) - length);
}

/** What of several messages must not differ from one: how many elements there are. */
uint32_t elementsOf(const Batch& batch) {
  uint32_t elements = 0;
  for (const MessageOrigin& origin : batch.origins()) {
    if (origin.elements > 0) require(origin.firstElement == elements, "elements out of order");
    elements += origin.elements;
  }
  return elements;
}

}  // namespace

/** Input: u8 number of elements, then the columns. */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint32_t count = data[0];
  ByteBuffer fields;
  appendField(fields, NFTNL_SET_TABLE, FieldKind::attribute, "t", 1);
  appendField(fields, NFTNL_SET_NAME, FieldKind::attribute, "s", 1);
  appendField(fields, 0, FieldKind::count, &count, sizeof count);
  fields.append(data + 1, size - 1);
  const Operation operation{NFT_MSG_NEWSETELEM, 0, NFPROTO_IPV4, fields.view()};
  static Batch batch;
  for (const bool split : {false, true}) {
    batch.begin(1, 0);
    if (encodeElements(operation, 0, split, batch) != nullptr) return 0;
    requireBatch(batch, kElementLevels);
    require(elementsOf(batch) == count, "elements that are missing");
  }
  return 0;
}
