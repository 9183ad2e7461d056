// The file of the firewall's list, and statements for it. Any bytes are a list or a problem with a
// line; what is written is read again as it was; and whatever a client runs can be learnt without
// making a file that weir would refuse. The first byte chooses how statements are read.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/firewall/allow_list.h"

namespace {

using namespace weir;

void require(bool law, const char* what) {
  if (law) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_again(const AllowLists& lists) {
  const std::string text = format_allow_lists(lists);
  AllowListProblem problem;
  const AllowLists again = parse_allow_lists(text, problem);
  require(problem.message.empty(), "what is written can be read");
  require(again.size() == lists.size(), "nothing is lost");
  require(format_allow_lists(again) == text, "and nothing is changed");
}

void check_file(std::string_view text) {
  AllowListProblem problem;
  const AllowLists lists = parse_allow_lists(text, problem);
  require(problem.message.empty() == (problem.line == 0), "a problem has a line");
  require(problem.message.find('\n') == std::string::npos, "and one line of words");
  if (problem.message.empty()) check_again(lists);
}

void check_statement(const std::string& said, const sql::TextOptions& options) {
  std::string room;
  RuleText text(said, options, room);
  std::vector<AllowedStatement> unlisted;
  const Judgement judgement = judge(said, options, text, nullptr, &unlisted);
  AllowLists lists;
  for (const AllowedStatement& each : unlisted) lists.add(said.substr(0, 8), each);
  check_again(lists);
  if (judgement.allowance != Allowance::unlisted) return;
  RuleText same(said, options, room);
  require(judge(said, options, same, lists.find(said.substr(0, 8))).allowance == Allowance::listed,
          "what was learnt is allowed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  // A copy of exactly this size, so that a read beyond the end is seen.
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_file(text);
  sql::TextOptions options;
  options.ansi_quotes = (data[0] & 1) != 0;
  options.no_backslash_escapes = (data[0] & 2) != 0;
  options.sql_mode_known = (data[0] & 4) == 0;
  check_statement(text, options);
  return 0;
}
