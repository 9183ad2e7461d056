#include "proxy/core/write_position.h"

#include "proxy/core/own_reply.h"

#include <fmt/format.h>

#include "protocol/frame.h"

namespace weir {
namespace {

// A session that writes this much between two reads reads from the primary until the replicas are
// known to have it all.
constexpr std::size_t kMaxText = 4096;

bool is_mariadb(std::string_view gtid) {
  return gtid.find(':') == std::string_view::npos;
}

// Only what GTIDs are made of may reach a statement.
bool is_plain(std::string_view gtid) {
  return gtid.find_first_not_of(
             "0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ_:-") ==
         std::string_view::npos;
}

}  // namespace

void WritePosition::add(std::string_view gtids) {
  while (!gtids.empty()) {
    const std::size_t comma = gtids.find(',');
    std::string_view one = gtids.substr(0, comma);
    gtids.remove_prefix(comma == std::string_view::npos ? gtids.size() : comma + 1);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\n')) one.remove_prefix(1);
    if (!one.empty()) add_one(one);
  }
}

void WritePosition::add_one(std::string_view gtid) {
  if (!is_plain(gtid) || text_.size() + gtid.size() > kMaxText) {
    unknown_ = true;
    return;
  }
  if (is_mariadb(gtid)) {
    // Of one domain only the newest position may be named.
    const std::string domain(gtid.substr(0, gtid.find('-') + 1));
    std::string kept;
    std::string_view rest = text_;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      const std::string_view one = rest.substr(0, comma);
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      if (!one.starts_with(domain)) kept.append(one).push_back(',');
    }
    text_ = kept.append(gtid);
    return;
  }
  if (!text_.empty()) text_.push_back(',');
  text_.append(gtid);
}

void WritePosition::clear() {
  text_.clear();
  unknown_ = false;
}

std::string WritePosition::wait_statement(Milliseconds limit) const {
  const auto milliseconds = limit.count();
  return fmt::format("SELECT {}('{}', {}.{:03})",
                     is_mariadb(text_) ? "MASTER_GTID_WAIT" : "WAIT_FOR_EXECUTED_GTID_SET", text_,
                     milliseconds / 1000, milliseconds % 1000);
}

bool wait_was_successful(std::string_view frames) {
  return single_number(frames) == 0;
}

}  // namespace weir
