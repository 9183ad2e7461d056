#include "proxy/core/write_position.h"

#include <fmt/format.h>

#include <charconv>

#include "proxy/core/own_reply.h"

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

// 0 when it is none; transactions are numbered from 1.
std::uint64_t read_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size() ? number : 0;
}

// Takes the first of a list with commas off.
std::string_view take_listed(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view one = list.substr(0, comma);
  list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
  return one;
}

}  // namespace

void WritePosition::add(std::string_view gtids) {
  while (!gtids.empty()) {
    std::string_view one = take_listed(gtids);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\n')) one.remove_prefix(1);
    if (!one.empty()) add_one(one);
  }
}

bool WritePosition::assign(std::string_view position) {
  clear();
  while (!position.empty()) {
    std::string_view one = take_listed(position);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\n')) one.remove_prefix(1);
    unknown_ = unknown_ || one.empty() || !is_plain(one) || text_.size() + one.size() > kMaxText;
    if (!text_.empty()) text_.push_back(',');
    if (!unknown_) text_.append(one);
  }
  return usable();
}

void WritePosition::merge(const WritePosition& other) {
  unknown_ = unknown_ || other.unknown_ || text_.size() + other.text_.size() >= kMaxText;
  if (unknown_ || other.text_.empty()) return;
  if (text_.empty() || is_mariadb(text_)) return add(other.text_);
  text_.append(",").append(other.text_);  // a set may name an origin twice
}

void WritePosition::add_one(std::string_view gtid) {
  // What stands before the number: a domain and a server, or an origin.
  const std::size_t cut = gtid.find_last_of(is_mariadb(gtid) ? '-' : ':');
  const std::uint64_t number = cut == gtid.npos ? 0 : read_number(gtid.substr(cut + 1));
  if (!is_plain(gtid) || number == 0 || text_.size() + gtid.size() > kMaxText) {
    unknown_ = true;
  } else if (is_mariadb(gtid)) {
    add_position(gtid, number);
  } else {
    add_to_set(gtid.substr(0, cut + 1), number);
  }
}

// Of one domain only the newest position may be named, which need not be the one that came last.
void WritePosition::add_position(std::string_view gtid, std::uint64_t number) {
  const std::string_view domain = gtid.substr(0, gtid.find('-') + 1);
  std::string kept;
  std::string_view rest = text_;
  while (!rest.empty()) {
    const std::string_view one = take_listed(rest);
    if (!one.starts_with(domain)) {
      kept.append(one).push_back(',');
    } else if (read_number(one.substr(one.find_last_of('-') + 1)) > number) {
      gtid = one;
    }
  }
  // `gtid` may be a part of the text that is replaced.
  text_ = kept.append(gtid);
}

// Numbers of one origin stand together, and those that follow each other as an interval.
void WritePosition::add_to_set(std::string_view origin, std::uint64_t number) {
  std::string_view rest = text_;
  std::size_t end = text_.npos;
  while (!rest.empty() && end == text_.npos) {
    const std::string_view one = take_listed(rest);
    if (one.starts_with(origin) && one.find_first_not_of("0123456789-:", origin.size()) == one.npos)
      end = static_cast<std::size_t>(one.data() - text_.data()) + one.size();
  }
  if (end == text_.npos) {
    if (!text_.empty()) text_.push_back(',');
    text_.append(origin).append(std::to_string(number));
    return;
  }
  const std::size_t last = text_.find_last_of("-:", end - 1);
  const std::size_t digits = end - last - 1;
  if (read_number(std::string_view(text_).substr(last + 1, digits)) != number - 1) {
    text_.insert(end, ":" + std::to_string(number));
  } else if (text_[last] == '-') {
    text_.replace(last + 1, digits, std::to_string(number));
  } else {
    text_.insert(end, "-" + std::to_string(number));
  }
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
