// How a weir under test has to end.

#pragma once

#include "test/support/catch.h"
#include "test/support/weir_process.h"

namespace weir::test {

// Of fixtures whose tests start one.
struct GoodEnd {
  // Asks weir to end, and judges how it does.
  static void end(Weir& weir) {
    const int code = weir.stop();
    INFO(weir.log());
    CHECK(code == 0);
    CHECK(weir.sanitizer_report() == "");
  }
};

}  // namespace weir::test
