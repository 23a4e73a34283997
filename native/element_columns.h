// The columns of an element operation.
#pragma once

#include "packed_reader.h"

namespace nftlink {

/** One value for each element: of one width, or with offsets. */
struct Column {
  bool present = false;
  uint32_t width = 0;  // of a fixed column
  Bytes offsets;       // of a variable column: count + 1
  Bytes values;

  const uint8_t* fixed(uint32_t element) const { return values.data() + size_t{element} * width; }
  /** The value of an element of a variable column; false when its offsets are impossible. */
  bool variable(uint32_t element, Bytes& value) const;
};

/** What an element operation consists of. */
struct ElementColumns {
  Bytes table;
  Bytes set;
  bool hasSetId = false;
  uint32_t setId = 0;
  /** Without a count the message names the set only. */
  bool hasCount = false;
  uint32_t count = 0;
  Column flags, key, verdict, chain, data, timeout, expiration, userdata, object, keyEnd, statements;
};

Problem readElementColumns(Bytes fields, ElementColumns& columns);

}  // namespace nftlink
