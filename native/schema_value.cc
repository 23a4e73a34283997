#include "schema_value.h"

namespace nftlink {

SchemaValue::SchemaValue(AttributeRule rule, Bytes value)
    : data_(value.data()), length_(static_cast<uint32_t>(value.size())) {
  switch (rule.type) {
    case AttributeType::u8:
    case AttributeType::u16:
    case AttributeType::u32:
    case AttributeType::u64:
      std::memcpy(copy_, value.data(), value.size());
      data_ = copy_;
      break;
    case AttributeType::text:
      std::memcpy(copy_, value.data(), value.size());
      copy_[value.size()] = 0;
      data_ = copy_;
      length_++;
      break;
    default:
      break;
  }
}

}  // namespace nftlink
