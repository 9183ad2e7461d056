#pragma once

#include <exception>

#include "test/support/catch.h"

namespace weir::test {

// Puts something right at the end of a test, whatever happened in it.
template <class Action>
struct Finally {
  Action action;
  ~Finally() {
    try {
      action();
    } catch (const std::exception& error) {
      WARN("the cluster was not put right: " << error.what());
    }
  }
};
template <class Action>
Finally(Action) -> Finally<Action>;

}  // namespace weir::test
