// What came back from a server for one text: result sets, and the error that ended them, if any.

#pragma once

#include <optional>
#include <string>
#include <vector>

namespace weir {

struct ResultSet {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // nothing: NULL
};

struct ServerReply {
  std::vector<ResultSet> results;
  unsigned error = 0;  // MySQL's number; 2000 to 2999 are raised on this side
  std::string message;

  // The connection is of no further use (numbers of the client library).
  bool lost() const { return error >= 2000 && error < 3000; }
};

}  // namespace weir
